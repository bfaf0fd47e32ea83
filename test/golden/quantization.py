"""Writes quantization.json: fake quantization and its gradients, as PyTorch and official codes compute them, in float64.

usage: pip install torch==2.15.0; python3 quantization.py

Each case: op, in (tensors), options, out, grad (of each input that has one, for a sum weighted by 0.1, 0.2, ...).
fakeQuantize: torch.fake_quantize_per_tensor_affine and _per_channel_affine; with outside 'pass' the gradient that Q8BERT's code
(nlp-architect, FakeLinearQuantizationWithSTE) has. learnedStep: Esser et al. 2020, equations 1 to 3, with the functions gradscale
and roundpass of their appendix; with a shift as BinaryBERT's code has it. ternarize: TWN as TernaryBERT has it, with its clip. binarize: BWN as BinaryBERT has it.
"""
import json
import math
import os

import torch

torch.manual_seed(5)
torch.set_num_threads(1)
cases = []


def packed(t):
    return {"shape": list(t.shape), "data": t.detach().double().flatten().tolist()}


def add(op, inputs, options, f, learnt):
    leaves = [x.clone().requires_grad_(i in learnt) for i, x in enumerate(inputs)]
    y = f(*leaves)
    w = 0.1 * torch.arange(1, y.numel() + 1, dtype=torch.float64).view(y.shape)
    (y * w).sum().backward()
    cases.append({
        "op": op, "in": [packed(x) for x in inputs], "options": options, "out": packed(y),
        "grad": [packed(leaves[i].grad) if i in learnt else None for i in range(len(inputs))],
    })


draw = lambda *shape: torch.randn(*shape, dtype=torch.float64) * 2


class Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy, None


# A scale that float32 holds: PyTorch rounds it to that.
for shape, s, z, low, high in [
    ((4, 5), 0.0625, 0, -127, 127), ((3, 4), 0.125, 0, -8, 7), ((2, 3, 4), 0.0625, 60, 0, 127), ((6,), 0.5, 3, 0, 15),
]:
    x = draw(*shape)
    options = {"zeroPoint": z, "low": low, "high": high}
    scale = torch.tensor(s, dtype=torch.float64)
    fake = lambda x, _: torch.fake_quantize_per_tensor_affine(x, s, z, low, high)
    add("fakeQuantize", [x, scale], options, fake, [0])
    passed = lambda x, _: Pass.apply(x, torch.fake_quantize_per_tensor_affine(x.detach(), s, z, low, high))
    add("fakeQuantize", [x, scale], {**options, "outside": "pass"}, passed, [0])

for shape, axis, zeros, low, high in [((4, 5), 0, False, -8, 7), ((3, 4), 1, True, 0, 15), ((2, 3, 4), 1, True, 0, 31)]:
    x = draw(*shape)
    n = shape[axis]
    s = 0.0625 * torch.arange(1, n + 1).float()
    z = (torch.arange(n) + 5 if zeros else torch.zeros(n)).int()
    wide = [n if i == axis else 1 for i in range(len(shape))]
    fake = lambda x, *_: torch.fake_quantize_per_channel_affine(x, s, z, axis, low, high)
    add("fakeQuantize", [x, s.double().view(wide), z.double().view(wide)], {"zeroPoint": "$2", "low": low, "high": high}, fake, [0])


def gradscale(x, scale):
    return (x - x * scale).detach() + x * scale


def roundpass(x):
    return (x.round() - x).detach() + x


for shape, rows, low, high, s0 in [
    ((4, 5), False, -128, 127, 0.03), ((4, 5), False, -2, 1, 0.9), ((3, 7), True, -8, 7, 0.4), ((2, 3, 4), False, 0, 15, 0.2),
]:
    x = draw(*shape)
    step = torch.tensor(s0, dtype=torch.float64)
    if rows:
        step = step * torch.arange(1, shape[0] + 1, dtype=torch.float64).view(-1, 1)
    g = 1 / math.sqrt(x.numel() / step.numel() * high)

    def lsq(x, step):
        s = gradscale(step, g)
        return roundpass((x / s).clamp(low, high)) * s

    add("learnedStep", [x, step], {"low": low, "high": high}, lsq, [0, 1])

class AsymLsq(torch.autograd.Function):
    """BinaryBERT's inputs, from the least number on: the outer levels themselves are inside."""

    @staticmethod
    def forward(ctx, x, step, least, high, g):
        ctx.save_for_backward(x - least, step)
        ctx.rest = high, g
        return ((x - least) / step).round().clamp(0, high) * step + least

    @staticmethod
    def backward(ctx, dy):
        x, step = ctx.saved_tensors
        high, g = ctx.rest
        q = x / step
        small, big = (q < 0).double(), (q > high).double()
        middle = 1.0 - small - big
        return middle * dy, ((big * high + middle * (q.round() - q)) * dy * g).sum(), None, None, None


x = draw(4, 5)
least = x.min().item()
moved = lambda x, step: AsymLsq.apply(x, step, least, 15, 1 / math.sqrt(x.numel() * 15))
add("learnedStep", [x, torch.tensor(0.3, dtype=torch.float64)], {"low": 0, "high": 15, "shift": least}, moved, [0, 1])


def twn(x, rows):
    m = 0.7 * (x.abs().mean(1, keepdim=True) if rows else x.abs().mean())
    kept = (x.abs() > m).double()
    alpha = (kept * x.abs()).sum(1, keepdim=True) / kept.sum(1, keepdim=True) if rows else (kept * x.abs()).sum() / kept.sum()
    return alpha * x.sign() * kept


def bwn(x, rows):
    return x.sign() * (x.abs().mean(1, keepdim=True) if rows else x.abs().mean())


class Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, clip):
        ctx.save_for_backward(x)
        ctx.clip = clip
        return y

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        dx = dy.clone()
        dx[x.ge(ctx.clip)] = 0
        dx[x.le(-ctx.clip)] = 0
        return dx, None, None


for op, f in (("ternarize", twn), ("binarize", bwn)):
    for rows, clip in ((False, None), (False, 2.5), (True, None), (True, 2.5)):
        options = {"rows": rows, **({"clip": clip} if clip else {})}
        add(op, [draw(4, 6)], options, lambda x: Clipped.apply(x, f(x.detach(), rows), clip or math.inf), [0])

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "quantization.json"), "w") as out:
    json.dump(cases, out, separators=(",", ":"))
    out.write("\n")
