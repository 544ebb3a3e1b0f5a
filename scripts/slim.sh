#!/bin/sh
# Takes out of an environment what no running program reads, then compiles what is left: the image build calls this.
# usage: slim.sh FOLDER
set -eu
cd "$1"
packages=$(echo lib/python3*/site-packages)

# The packages' own tests and their data; a folder `tests` without any is code (Evidently's, for one).
find "$packages" -type d -name tests | while read -r folder; do
  set -- "$folder"/test_*.py
  [ ! -e "$1" ] || rm -rf "$folder"
done
rm -rf "$packages/onnx/backend/test/data"
# What compiled modules were made from, what type checkers read, and what pages of the web are debugged with.
find "$packages" -type f \( -name '*.c' -o -name '*.cc' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.a' \
  -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyx' -o -name '*.pyi' -o -name '*.js.map' -o -name '*.css.map' \) -delete
# Pages that no image serves: Feast's, Evidently's, and Plotly's within a notebook. MLflow's stay.
rm -rf "$packages/feast/ui/build" "$packages/evidently/ui/service/assets" "$packages/evidently/legacy/ui/assets" \
  "$packages/jupyterlab_plotly"

rm -f .lock  # uv's

# Compiled once here, or by each process that starts, as the root is read-only. Of Plotly's thirteen thousand
# classes a figure needs a handful.
bin/python -m compileall -q -j 0 -x '/plotly/(graph_objs|validators)/' "$packages"
