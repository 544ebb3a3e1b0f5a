#!/bin/sh
# Builds the images matchday-serving and matchday-pipeline; `make images` calls this.
# usage: images.sh        builds both and prints their names
#        images.sh tag    prints the tag that this commit's images have, and builds nothing
# BASE=NAME      another base image than the Containerfile's: Debian with Python 3.11 or 3.12, venv and pip
# BUILDER=NAME   docker, podman or buildah; or a program that is called as PROGRAM IMAGE:TAG FOLDER OPTION...,
#                the options being those of `docker build`, and that may bring the image to a cluster as well
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

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

builder=${BUILDER:-}
if [ -z "$builder" ]; then
  # Docker's client is often there without the server that would build.
  if docker info >/dev/null 2>&1; then builder=docker
  elif command -v podman >/dev/null; then builder=podman
  elif command -v buildah >/dev/null; then builder=buildah
  else
    say "images: nothing here builds images. Install podman, buildah or docker (and start its daemon), then run this again."
    exit 1
  fi
fi

# build IMAGE OPTION...
build() {
  image=$1
  shift
  case $builder in
    docker) docker build --quiet --tag "$image:$tag" "$@" . >/dev/null ;;
    podman) podman build --quiet --tag "$image:$tag" "$@" . >/dev/null ;;
    buildah) buildah build --quiet --layers --tag "$image:$tag" "$@" . >/dev/null ;;
    *) "$builder" "$image:$tag" . "$@" >/dev/null ;;
  esac
}

for target in serving pipeline; do
  say "Building matchday-$target:$tag"
  build "matchday-$target" --file Containerfile --target "$target" --tag "matchday-$target:$version" \
    ${BASE:+--build-arg "BASE=$BASE"} --build-arg "COMMIT=$commit" --build-arg "VERSION=$version" || {
    say "images: $builder could not build matchday-$target; what it said is above."
    exit 1
  }
  echo "matchday-$target:$tag"
done
