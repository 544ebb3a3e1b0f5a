#!/bin/sh
# Builds stand-ins for the chart's stores and its Kafka, for a machine that reaches package registries and no image
# registry: matchday-redis, matchday-postgres, matchday-bucket, matchday-kafka, each with the tag `test`. Prints their
# names.
# BASE and BUILDER: see scripts/builder.sh; BASE is Debian 12 here.
set -eu
cd "$(dirname "$0")"
. ../../../scripts/builder.sh

VERSITYGW=v1.8.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build matchday-redis:test redis --file redis/Containerfile
build matchday-postgres:test postgres --file postgres/Containerfile

# Compiled here: Debian 12's Go is too old for it.
command -v go >/dev/null || fail "no go here, which compiles the S3 store. Install Go 1.25 or newer, then run this again."
gateway=${XDG_CACHE_HOME:-$HOME/.cache}/matchday/versitygw-$VERSITYGW
if [ ! -x "$gateway" ]; then
  say "Compiling versitygw $VERSITYGW"
  GOBIN=$work CGO_ENABLED=0 go install -ldflags "-s -w -X main.Version=$VERSITYGW" \
    "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW" 2>"$work/log" || {
    tail -5 "$work/log" >&2
    fail "versitygw could not be compiled."
  }
  mkdir -p "$(dirname "$gateway")" && mv "$work/versitygw" "$gateway"
fi
cp "$gateway" "$work/versitygw"
build matchday-bucket:test "$work" --file bucket/Containerfile

# From Maven Central, kept by what was asked for. Java comes into the image with Debian's packages.
jars=${XDG_CACHE_HOME:-$HOME/.cache}/matchday/kafka-$(cksum <kafka/pom.xml | cut -d ' ' -f 1)
if [ ! -d "$jars" ]; then
  command -v mvn >/dev/null || fail "no mvn here, which fetches Kafka's jars. Install maven, then run this again."
  say "Fetching Kafka's jars"
  # In a folder of its own: Maven leaves files beside its pom.
  mkdir "$work/kafka" && cp kafka/pom.xml "$work/kafka"
  mvn -q -B -f "$work/kafka/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$work/libs" >"$work/log" 2>&1 || {
    tail -5 "$work/log" >&2
    fail "Kafka's jars could not be fetched."
  }
  mkdir -p "$(dirname "$jars")" && mv "$work/libs" "$jars"
fi
mkdir "$work/broker" && cp -R "$jars" "$work/broker/libs"
build matchday-kafka:test "$work/broker" --file kafka/Containerfile
