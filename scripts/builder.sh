# shellcheck shell=sh
# Sourced by the scripts that build images: `build IMAGE:TAG FOLDER OPTION...`, the options being `docker build`'s.
# BASE=NAME      the base image in place of the Containerfile's: Debian with Python 3.11 or 3.12, venv and pip
# BUILDER=NAME   docker, podman or buildah; or a program that is called with build's own arguments, and that may bring
#                the image to a cluster as well. By default the first of the three that is here.

say() { printf '%s\n' "$*" >&2; }
fail() { say "$(basename "$0" .sh): $*"; exit 1; }

builder=${BUILDER:-}
if [ -z "$builder" ]; then
  # Docker's client is often there without the daemon that builds.
  if docker info >/dev/null 2>&1; then builder=docker
  elif command -v podman >/dev/null; then builder=podman
  elif command -v buildah >/dev/null; then builder=buildah
  else fail "nothing here builds images. Install podman, buildah or docker (and start its daemon), then run this again."
  fi
fi

build() {
  image=$1 folder=$2
  shift 2
  [ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
  say "Building $image"
  case $builder in
    docker | podman) "$builder" build --quiet --tag "$image" "$@" "$folder" ;;
    buildah) buildah build --quiet --layers --tag "$image" "$@" "$folder" ;;
    *) "$builder" "$image" "$folder" "$@" ;;
  esac >/dev/null || fail "$builder could not build $image; what it said is above."
  echo "$image"
}
