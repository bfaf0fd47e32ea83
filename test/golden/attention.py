"""Writes attention.json: scaled_dot_product_attention of PyTorch in float64, rotary embeddings spelled in
its ops, and its decoder layer.

usage: pip install torch==2.15.0; python3 attention.py

An attention case: options, inputs q, k, v and by name, out, and the gradients of (out * weights).sum().
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(31)
torch.set_default_dtype(torch.float64)


def numbers(t):
    return {"shape": list(t.shape), "data": t.detach().flatten().tolist()}


attention = []


def case(shapes, mask=None, bias=None, causal=False, scale=None):
    tensors = {n: torch.randn(s, requires_grad=True) for n, s in zip("qkv", shapes)}
    if bias is not None:
        tensors["bias"] = torch.randn(bias, requires_grad=True)
    m = None if mask is None else torch.tensor(mask)
    q, k, v = (tensors[n] for n in "qkv")
    S, T = q.shape[-2], k.shape[-2]
    added = tensors.get("bias")
    if m is None or added is None:
        allowed = m.bool() if m is not None else added
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, is_causal=causal, scale=scale)
    else:
        both = torch.where(m.bool(), added, -torch.inf)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=both, scale=scale)
    weights = torch.randn(out.shape)
    grads = torch.autograd.grad((out * weights).sum(), list(tensors.values()))
    attention.append({
        "options": {"causal": causal, **({} if scale is None else {"scale": scale})},
        "inputs": {n: numbers(t) for n, t in tensors.items()}, "mask": m if m is None else numbers(m),
        "out": numbers(out), "weights": numbers(weights), "grads": {n: numbers(g) for n, g in zip(tensors, grads)},
    })


plain = [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)]
case(plain)
case(plain, scale=0.3)
case(plain, causal=True)
case([(2, 2, 5, 4), (2, 2, 3, 4), (2, 2, 3, 2)], causal=True)
case(plain, mask=[[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]])
case(plain, mask=[[[[1, 1, 1, 0, 0]]], [[[0, 1, 0, 1, 1]]]])
case(plain, bias=(3, 5))
case(plain, bias=(2, 1, 5))
case(plain, mask=[1, 1, 0, 1, 1], bias=(2, 3, 5))
case([(3, 4), (5, 4), (5, 2)])

rope = []
for T, D, base, start in [(5, 8, 10000, 0), (3, 6, 500, 40)]:
    x = torch.randn(2, 2, T, D)
    angles = torch.arange(start, start + T)[:, None] * base ** (-torch.arange(0, D, 2) / D)
    cos, sin = angles.cos(), angles.sin()
    # GPT-NeoX: rotate_half.
    half = torch.cat([-x[..., D // 2:], x[..., : D // 2]], -1)
    split = x * torch.cat([cos, cos], -1) + half * torch.cat([sin, sin], -1)
    # Su et al.: pairs as complex numbers.
    pairs = torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.polar(torch.ones_like(angles), angles)).flatten(-2)
    rope.append({"base": base, "start": start, "x": numbers(x), "split": numbers(split), "pairs": numbers(pairs)})

# A whole block: PyTorch's own, under the names here.
layer = torch.nn.TransformerDecoderLayer(4, 2, 6, dropout=0, activation=F.gelu, batch_first=True, norm_first=True)
for p in layer.parameters():
    p.data = torch.randn(p.shape) * 0.5
names = {}
for there, here in [("self_attn", "attention"), ("multihead_attn", "cross")]:
    module = getattr(layer, there)
    for kind in ["weight", "bias"]:
        names[f"{here}.out.{kind}"] = lambda m=module, kind=kind: getattr(m.out_proj, kind)
        for part, name in enumerate(["query", "key", "value"]):
            names[f"{here}.{name}.{kind}"] = lambda m=module, kind=kind, part=part: getattr(m, "in_proj_" + kind).chunk(3)[part]
for there, here in [("norm1", "attentionNorm"), ("norm2", "crossNorm"), ("norm3", "innerNorm"), ("linear1", "up"), ("linear2", "down")]:
    for kind in ["weight", "bias"]:
        names[f"{here}.{kind}"] = lambda there=there, kind=kind: getattr(getattr(layer, there), kind)
x, memory = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 2, 4, requires_grad=True)
mask = torch.tensor([[1, 1], [1, 0]])
out = layer(
    x, memory, tgt_mask=torch.ones(3, 3).tril().log(), memory_key_padding_mask=mask == 0,
)
weights = torch.randn(out.shape)
state = {name: numbers(get()) for name, get in names.items()}
(out * weights).sum().backward()
# The gradient of a part of in_proj is that part of its gradient.
for p in layer.parameters():
    p.data = p.grad
block = {
    "state": state, "x": numbers(x), "memory": numbers(memory), "mask": numbers(mask), "out": numbers(out),
    "weights": numbers(weights), "grads": {name: numbers(get()) for name, get in names.items()},
    "dx": numbers(x.grad), "dmemory": numbers(memory.grad),
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "attention.json"), "w") as f:
    f.write(json.dumps({"attention": attention, "rope": rope, "block": block}) + "\n")
