#!/bin/sh
# Generates serving/grpc/open_inference_pb2.py and .pyi from the .proto beside them; `make stubs` calls this.
# The messages get a descriptor pool of their own: a process may then also hold KServe's client, whose messages
# have the same names.
set -eu
cd "$(dirname "$0")/../serving/grpc"

python=../../.venv/bin/python
"$python" -m grpc_tools.protoc -I . --python_out=. --pyi_out=. open_inference.proto
"$python" - <<'EDIT'
from pathlib import Path

file = Path("open_inference_pb2.py")
text = file.read_text()
shared, own = "_descriptor_pool.Default()", "_descriptor_pool.DescriptorPool()"
assert text.count(shared) == 1, "protoc writes another layout now: look at scripts/stubs.sh"
file.write_text(text.replace(shared, own))
EDIT
