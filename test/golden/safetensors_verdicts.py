"""Reads files on standard input, each after its length (8 bytes, little-endian), and says for each what Python's
safetensors finds: one line of JSON, null where it refuses, else the names and shapes, sorted.

usage: pip install safetensors==0.8.0; the tests start it (npm run check:fuzz, PYTHON=...)
"""
import json
import sys

import safetensors

print(safetensors.__version__, flush=True)
while len(size := sys.stdin.buffer.read(8)) == 8:
    data = sys.stdin.buffer.read(int.from_bytes(size, "little"))
    try:
        held = sorted((name, t["shape"]) for name, t in safetensors.deserialize(data))
    except safetensors.SafetensorError:
        held = None
    print(json.dumps(held), flush=False)
