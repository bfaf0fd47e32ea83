"""Writes conv.safetensors: convolutions, pools and norms, and what PyTorch makes of them in float64.

usage: pip install torch==2.15.0 safetensors numpy; python3 conv.py

<case>.in.<name>: inputs; <case>.out; <case>.dy: what the output is multiplied by; <case>.grad.<name>. Inputs are numbers
that float32 holds. options.json has the settings of each case, under our names.
"""
import json
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(11)
torch.set_num_threads(1)
golden, options = {}, {}


def case(name, op, call, settings, **inputs):
    inputs = {k: torch.randn(v) if isinstance(v, tuple) else v for k, v in inputs.items()}
    leaves = {k: v.to(torch.float64, copy=True).requires_grad_() for k, v in inputs.items()}
    y = call(**leaves)
    dy = torch.randn(y.shape).double()
    grads = torch.autograd.grad(y, list(leaves.values()), dy)
    golden[f"{name}.out"] = y.detach()
    golden.update({f"{name}.grad.{k}": g for k, g in zip(leaves, grads)})
    golden.update({f"{name}.in.{k}": v.double() for k, v in inputs.items()})
    golden[f"{name}.dy"] = dy
    options[name] = {"op": op, "options": settings}


def conv(name, dims, x, w, bias=True, **s):
    op = {1: F.conv1d, 2: F.conv2d}[dims]
    tensors = {"x": x, "weight": w, **({"bias": (w[0],)} if bias else {})}
    case(name, f"conv{dims}d", lambda x, weight, bias=None: op(x, weight, bias, **s), s, **tensors)


conv("plain", 2, (2, 3, 6, 5), (4, 3, 3, 2))
conv("padded", 2, (2, 3, 5, 6), (4, 3, 3, 3), padding=1)
conv("strided", 2, (2, 3, 9, 8), (4, 3, 3, 3), stride=[2, 3], padding=[1, 2])
conv("dilated", 2, (1, 2, 9, 8), (3, 2, 3, 2), bias=False, dilation=[2, 3], padding=2)
conv("grouped", 2, (2, 6, 5, 5), (4, 3, 3, 3), groups=2, padding=1, stride=2)
conv("depthwise", 2, (2, 4, 5, 5), (8, 1, 3, 3), groups=4, padding=1)
conv("same", 2, (2, 2, 5, 6), (3, 2, 2, 3), padding="same", dilation=[1, 2])
conv("valid", 2, (2, 2, 5, 6), (3, 2, 2, 3), padding="valid")
conv("pointwise", 2, (2, 5, 4, 3), (6, 5, 1, 1))
conv("unbatched", 2, (3, 5, 5), (2, 3, 3, 3))
conv("large", 2, (2, 5, 9, 9), (7, 5, 3, 3), padding=1)
conv("seven", 2, (1, 2, 13, 13), (5, 2, 7, 7), stride=2, padding=3)
conv("row", 1, (2, 3, 11), (4, 3, 3), padding=1, stride=2)
conv("row-dilated", 1, (2, 4, 12), (4, 2, 3), groups=2, dilation=3)
conv("row-same", 1, (2, 2, 9), (3, 2, 4), padding="same")


def transposed(name, x, w, bias=True, **s):
    ours = {("outputPadding" if k == "output_padding" else k): v for k, v in s.items()}
    tensors = {"x": x, "weight": w, **({"bias": (w[1] * s.get("groups", 1),)} if bias else {})}
    case(name, "convTranspose2d", lambda x, weight, bias=None: F.conv_transpose2d(x, weight, bias, **s), ours, **tensors)


transposed("back", (2, 3, 4, 5), (3, 4, 3, 3))
transposed("back-strided", (2, 4, 3, 4), (4, 3, 3, 2), stride=2, padding=1, output_padding=1)
transposed("back-grouped", (1, 4, 3, 3), (4, 2, 3, 3), False, groups=2, dilation=2, padding=1)


def pool(name, fn, ours, shape, kernel, **s):
    names = {"ceil_mode": "ceilMode", "count_include_pad": "countIncludePad", "divisor_override": "divisorOverride"}
    settings = {"kernelSize": kernel, **{names.get(k, k): v for k, v in s.items()}}
    case(name, ours, lambda x: fn(x, kernel, **s), settings, x=shape)


pool("max", F.max_pool2d, "maxPool2d", (2, 3, 6, 8), 2)
pool("max-overlap", F.max_pool2d, "maxPool2d", (2, 2, 7, 8), [3, 2], stride=[2, 1], padding=1)
pool("max-ceil", F.max_pool2d, "maxPool2d", (1, 2, 7, 8), 3, stride=2, ceil_mode=True, padding=1)
pool("max-dilated", F.max_pool2d, "maxPool2d", (1, 2, 7, 8), 2, stride=1, dilation=[2, 3])
pool("max-row", F.max_pool1d, "maxPool1d", (2, 3, 9), 3, stride=2, padding=1, ceil_mode=True)
pool("avg", F.avg_pool2d, "avgPool2d", (2, 3, 6, 8), 2)
pool("avg-padded", F.avg_pool2d, "avgPool2d", (2, 2, 7, 8), [3, 2], stride=2, padding=1)
pool("avg-inside", F.avg_pool2d, "avgPool2d", (2, 2, 7, 8), 3, stride=2, padding=1, count_include_pad=False, ceil_mode=True)
pool("avg-ceil", F.avg_pool2d, "avgPool2d", (2, 2, 8, 9), 3, stride=2, padding=1, ceil_mode=True)
pool("avg-divided", F.avg_pool2d, "avgPool2d", (1, 2, 4, 4), 2, divisor_override=3)
pool("avg-row", F.avg_pool1d, "avgPool1d", (2, 3, 9), 3, stride=2, padding=1)
case("adaptive", "adaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), {"outputSize": [3, 4]}, x=(2, 2, 7, 9))
case("adaptive-one", "adaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, 1), {"outputSize": 1}, x=(2, 3, 5, 4))
case("adaptive-up", "adaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, (None, 5)), {"outputSize": [None, 5]}, x=(1, 2, 3, 3))

start = {"mean": torch.randn(3), "var": torch.rand(3) + 0.5}
golden["running.mean"], golden["running.var"] = start["mean"].double(), start["var"].double()


def batch(name, training, momentum=0.1, x=(4, 3, 2, 5), affine=True):
    mean, var = start["mean"].double(), start["var"].double()
    tensors = {"weight": torch.rand(3) + 0.5, "bias": (3,)} if affine else {}

    def call(x, weight=None, bias=None):
        return F.batch_norm(x, mean, var, weight, bias, training, momentum, 1e-5)

    case(name, "batchNorm", call, {"training": training, "momentum": momentum}, x=2 * torch.randn(x) + 1, **tensors)
    golden[f"{name}.mean"], golden[f"{name}.var"] = mean, var


batch("batch-train", True)
batch("batch-rows", True, 0.3, (6, 3))
batch("batch-plain", True, affine=False)
batch("batch-eval", False)
affine = {"weight": torch.rand(6) + 0.5, "bias": (6,)}
case("group", "groupNorm", lambda x, weight, bias: F.group_norm(x, 3, weight, bias), {"numGroups": 3}, x=(2, 6, 3, 4), **affine)
case("group-plain", "groupNorm", lambda x: F.group_norm(x, 2), {"numGroups": 2}, x=(3, 4, 5))
case("rms", "rmsNorm", lambda x, weight: F.rms_norm(x, (5,), weight, 1e-5), {"eps": 1e-5}, x=(2, 3, 5), weight=torch.rand(5) + 0.5)
case("rms-plain", "rmsNorm", lambda x: F.rms_norm(x, (7,)), {}, x=(4, 7))

here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(f"{here}/conv", exist_ok=True)
save_file({k: v.contiguous() for k, v in golden.items()}, f"{here}/conv/golden.safetensors")
json.dump(options, open(f"{here}/conv/options.json", "w"), indent=1)
print(len(options), "cases,", torch.__version__)
