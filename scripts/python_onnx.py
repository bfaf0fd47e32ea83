"""Of npm run check:python: usage python_onnx.py FOLDER CASES SHAPES. Each case's folder has fp32.onnx, fp16.onnx, q8.onnx and
inputs 0.safetensors on; writes 0.out.safetensors with the output of each."""
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from safetensors.numpy import load_file, save_file

root, cases, shapes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
names = {"input_ids": "inputIds", "attention_mask": "attentionMask", "token_type_ids": "tokenTypeIds"}
for case in range(cases):
    folder = os.path.join(root, str(case))
    out = [{} for _ in range(shapes)]
    for dtype in ("fp32", "fp16", "q8"):
        path = os.path.join(folder, dtype + ".onnx")
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        # The library of another language writes the same message: nothing of ours is unknown to it.
        assert onnx.load_from_string(model.SerializeToString()) == model
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        for s in range(shapes):
            given = load_file(os.path.join(folder, f"{s}.safetensors"))
            feed = {i.name: given[names[i.name]].astype(np.int64) for i in session.get_inputs()}
            out[s][dtype] = session.run(None, feed)[0]
    for s in range(shapes):
        save_file(out[s], os.path.join(folder, f"{s}.out.safetensors"))
print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}: onnx.checker takes all files")
