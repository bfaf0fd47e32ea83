"""Writes recurrent.safetensors: what PyTorch's RNN, GRU, LSTM and their cells make of small inputs in float64.

usage: pip install torch==2.15.0 safetensors; python3 recurrent.py

<case>.w.<parameter>, .x, .h0, .c0: inputs. .y, .hn, .cn: results. .d.<name>: the gradients of a weighted sum of all
results, whose weights are .wy, .whn, .wcn. With lengths the batch goes through a packed sequence, so padding is not seen.
"""
import os

import torch
from safetensors.torch import save_file
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
T, B, I, H = 4, 3, 3, 5
LENGTHS = torch.tensor([2, 4, 1])
golden = {}


def rounded(t):
    """Numbers that float32 holds, so that float32 and float64 start from the same."""
    return t.float().double()


def case(name, module, lengths=None, state=True):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(rounded(p))
    x = rounded(torch.randn(T, B, I)).requires_grad_()
    directions = 2 if module.bidirectional else 1
    states = ["h", "c"] if isinstance(module, torch.nn.LSTM) else ["h"]
    begin = {s: rounded(torch.randn(module.num_layers * directions, B, H)).requires_grad_() for s in states}
    hx = None if not state else tuple(begin.values()) if len(states) == 2 else begin["h"]
    inside = x if lengths is None else pack_padded_sequence(x, lengths, enforce_sorted=False)
    y, end = module(inside, hx)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, total_length=T)
    end = dict(zip(states, end if len(states) == 2 else [end]))
    results = {"y": y, **{f"{s}n": t for s, t in end.items()}}
    weights = {k: rounded(torch.randn(t.shape)) for k, t in results.items()}
    learn = {"x": x, **({f"{s}0": t for s, t in begin.items()} if state else {}), **dict(module.named_parameters())}
    grads = torch.autograd.grad(sum((results[k] * w).sum() for k, w in weights.items()), list(learn.values()))
    put = lambda key, t: golden.__setitem__(f"{name}.{key}", t.detach().contiguous().clone())
    for k, p in module.named_parameters():
        put(f"w.{k}", p)
    put("x", x)
    for s, t in begin.items():
        if state:
            put(f"{s}0", t)
    for k, t in results.items():
        put(k, t)
        put(f"w{k}", weights[k])
    for k, g in zip(learn, grads):
        put(f"d.{k}", g)


kinds = {
    "rnn": lambda **o: torch.nn.RNN(I, H, **o),
    "relu": lambda **o: torch.nn.RNN(I, H, nonlinearity="relu", **o),
    "gru": lambda **o: torch.nn.GRU(I, H, **o),
    "lstm": lambda **o: torch.nn.LSTM(I, H, **o),
}
for kind, make in kinds.items():
    case(f"{kind}.one", make())
    case(f"{kind}.zero-state.no-bias", make(bias=False), state=False)
    case(f"{kind}.lengths", make(), LENGTHS)
    case(f"{kind}.both.two.lengths", make(num_layers=2, bidirectional=True), LENGTHS)
    if kind != "relu":
        case(f"{kind}.two", make(num_layers=2))
        case(f"{kind}.both", make(bidirectional=True))
        case(f"{kind}.both.two", make(num_layers=2, bidirectional=True))

cells = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}
for kind, Cell in cells.items():
    cell = Cell(I, H)
    with torch.no_grad():
        for k, p in cell.named_parameters():
            p.copy_(rounded(p))
            golden[f"{kind}.cell.w.{k}"] = p.clone()
    x, h, c = (rounded(torch.randn(B, n)) for n in [I, H, H])
    out = cell(x, (h, c) if kind == "lstm" else h)
    golden.update({f"{kind}.cell.x": x, f"{kind}.cell.h0": h, f"{kind}.cell.c0": c})
    for k, t in zip(["hn", "cn"], out if kind == "lstm" else [out]):
        golden[f"{kind}.cell.{k}"] = t.detach()

save_file(golden, os.path.join(os.path.dirname(os.path.abspath(__file__)), "recurrent.safetensors"))
