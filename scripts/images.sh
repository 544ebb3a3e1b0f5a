#!/bin/sh
# Builds the images matchday-serving, matchday-pipeline and matchday-operator; `make images` calls this.
# usage: images.sh        builds all and prints their names
#        images.sh tag    prints the tag that this commit's images have, and builds nothing
# BASE and BUILDER: see builder.sh
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
commit=unknown tag=$version
if head=$(git rev-parse HEAD 2>/dev/null); then
  dirty=$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo -dirty)
  commit=$head$dirty tag=$(printf %.12s "$head")$dirty
fi
if [ "${1:-}" = tag ]; then
  echo "$tag"
  exit
fi

. scripts/builder.sh
for target in serving pipeline operator; do
  build "matchday-$target:$tag" . --file Containerfile --target "$target" --tag "matchday-$target:$version" \
    --build-arg "COMMIT=$commit" --build-arg "VERSION=$version"
done
