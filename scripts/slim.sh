#!/bin/sh
# Deletes files of an environment that no program reads at run time, then compiles the rest. The Containerfile calls it.
# usage: slim.sh FOLDER
set -eu
cd "$1"
packages=$(echo lib/python3*/site-packages)

# The packages' own tests and their data; a folder `tests` without test files is code.
find "$packages" -type d -name tests | while read -r folder; do
  set -- "$folder"/test_*.py
  [ ! -e "$1" ] || rm -rf "$folder"
done
rm -rf "$packages/onnx/backend/test/data"
# Sources of compiled modules, stubs for type checkers, and source maps of web pages.
find "$packages" -type f \( -name '*.c' -o -name '*.cc' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.a' \
  -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyx' -o -name '*.pyi' -o -name '*.js.map' -o -name '*.css.map' \) -delete
# Web pages that no image serves: Feast's. MLflow's stay.
rm -rf "$packages/feast/ui/build"

rm -f .lock  # uv's

# The root is read-only, so without this every process would compile at its start.
bin/python -m compileall -q -j 0 "$packages"
