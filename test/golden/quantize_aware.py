"""Writes quantize_aware/golden.safetensors: 20 steps of training with quantization by four schemes, in PyTorch and float64.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 quantize_aware.py

q8bert: labels, weights max|w|/127 a matrix, inputs and outputs of each layer by an average of max|x| (0.9999), tables, pooler and
head too, gradients passed on everywhere; as nlp-architect's quantization.py. lsq: labels, weights of 4 bits by a learned step,
inputs of 8 bits from their least number on by one too, word table by one for all; the steps' rate five times the others', no decay;
head float; as BinaryBERT's utils_quant.py. ternary: TernaryBERT's loss and scheme, the student begun from its teacher. split:
each weight the sum of two binary ones, begun as BinaryBERT's tws_split (its bias is one here), with labels.

All texts have 9 words: ranges are of a batch, and padding would count. AdamW, weight decay 0.01 but for biases, norms and steps,
linear with 2 steps of warm-up, gradient norm 1. ids [8, 9], labels [8]; teacher.<parameter>: weights at the start, of all;
<run>.losses [20], <run>.weight: the first layer's query weight after them, <run>.on-grid: the same on its grid.
"""
import math
import os

import torch
import torch.nn.functional as F
import transformers as tr
from safetensors.torch import save_file

torch.manual_seed(11)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
VOCAB, T, STEPS, LR = 31, 9, 20, 1e-3
golden = {}
ids = torch.randint(5, VOCAB, (8, T)).int()
labels = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
golden |= {"ids": ids, "labels": labels.int()}
config = tr.BertConfig(
    vocab_size=VOCAB, max_position_embeddings=T, attn_implementation="eager", hidden_size=12, num_hidden_layers=2,
    num_attention_heads=3, intermediate_size=20, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
teacher = tr.BertForSequenceClassification(config).double().eval()
with torch.no_grad():
    for p in teacher.parameters():
        p.copy_((torch.randn_like(p) * 0.2 + (p if p.dim() == 1 else 0)).float())
golden |= {f"teacher.{k}": p.detach().float().clone() for k, p in teacher.named_parameters()}


class Through(torch.autograd.Function):
    """y, and the gradient goes to x as it is, where it is inside the clip."""

    @staticmethod
    def forward(ctx, x, y, clip):
        ctx.save_for_backward(x)
        ctx.clip = clip
        return y

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * (x.abs() < ctx.clip), None, None


def grid(x, scale, levels):
    return torch.round(x / scale).clamp(-levels, levels) * scale


# Q8BERT


def q8_weight(w):
    return Through.apply(w, grid(w.detach(), w.detach().abs().max() / 127, 127), math.inf)


class Average:
    def __init__(self):
        self.range = None

    def __call__(self, x):
        now = x.detach().abs().max()
        self.range = now if self.range is None else self.range - (1 - 0.9999) * (self.range - now)
        return Through.apply(x, grid(x.detach(), self.range / 127, 127), math.inf)


class Q8Linear(torch.nn.Module):
    def __init__(self, plain):
        super().__init__()
        self.weight, self.bias, self.inputs, self.outputs = plain.weight, plain.bias, Average(), Average()

    def on_grid(self):
        return q8_weight(self.weight)

    def forward(self, x):
        return self.outputs(F.linear(self.inputs(x), self.on_grid(), self.bias))


class Table(torch.nn.Module):
    def __init__(self, plain, quantize):
        super().__init__()
        self.weight, self.padding_idx, self.quantize = plain.weight, plain.padding_idx, quantize

    def forward(self, ids):
        return F.embedding(ids, self.quantize(self.weight), self.padding_idx)


# LSQ


class Lsq(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, step, low, high):
        g = 1.0 / math.sqrt(x.numel() * high)
        ctx.save_for_backward(x, step)
        ctx.rest = g, low, high
        return (x / step).round().clamp(low, high) * step

    @staticmethod
    def backward(ctx, dy):
        x, step = ctx.saved_tensors
        g, low, high = ctx.rest
        q = x / step
        small, big = (q < low).double(), (q > high).double()
        middle = 1.0 - small - big
        ds = ((small * low + big * high + middle * (-q + q.round())) * dy * g).sum()
        return middle * dy, ds, None, None


class Step(torch.nn.Module):
    def __init__(self, bits, signed):
        super().__init__()
        self.low = -2 ** (bits - 1) if signed else 0
        self.high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.signed = signed
        self.step = torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        if self.step.item() == 0:
            self.step.data.fill_((2 if self.signed else 4) * x.detach().abs().mean() / math.sqrt(self.high))
        if self.signed:
            return Lsq.apply(x, self.step, self.low, self.high)
        least = x.min().item()
        return Lsq.apply(x - least, self.step, self.low, self.high) + least


class LsqLinear(torch.nn.Module):
    def __init__(self, plain):
        super().__init__()
        self.weight, self.bias, self.weight_step, self.input_step = plain.weight, plain.bias, Step(4, True), Step(8, False)

    def on_grid(self):
        return self.weight_step(self.weight)

    def forward(self, x):
        return F.linear(self.input_step(x), self.on_grid(), self.bias)


# TernaryBERT


def twn(w, rows):
    m = 0.7 * (w.abs().mean(1, keepdim=True) if rows else w.abs().mean())
    kept = (w.abs() > m).double()
    alpha = (kept * w.abs()).sum(1, keepdim=True) / kept.sum(1, keepdim=True) if rows else (kept * w.abs()).sum() / kept.sum()
    return alpha * w.sign() * kept


def sym(x):
    clipped = x.detach().clamp(-2.5, 2.5)
    return Through.apply(x, grid(clipped, clipped.abs().max() / 127, 127), 2.5)


class TernaryLinear(torch.nn.Module):
    def __init__(self, plain):
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias

    def on_grid(self):
        return Through.apply(self.weight, twn(self.weight.detach(), False), 2.5)

    def forward(self, x):
        return F.linear(sym(x), self.on_grid(), self.bias)


def scores_and_context(attention, x, quantized):
    """The raw scores and what the layer's own attention gives, with all of a product on grids."""
    at = quantized or (lambda x: x)
    split = lambda x: x.view(*x.shape[:2], 3, 4).transpose(1, 2)
    q, k, v = (split(at(part(x))) for part in (attention.query, attention.key, attention.value))
    scores = q @ k.transpose(-1, -2) / math.sqrt(4)
    mixed = at(scores.softmax(-1)) @ v
    return scores, mixed.transpose(1, 2).reshape(x.shape)


def run_bert(model, at, quantized):
    """Hidden states, scores and logits; our own walk, as attention's products stand on grids."""
    bert = model.bert
    e = bert.embeddings
    places = torch.arange(T)
    h = e.word_embeddings(ids[at]) + e.position_embeddings(places) + e.token_type_embeddings(torch.zeros(1).long())
    h = e.LayerNorm(h)
    hidden, scores = [h], []
    for layer in bert.encoder.layer:
        s, mixed = scores_and_context(layer.attention.self, h, quantized)
        scores.append(s)
        h = layer.attention.output.LayerNorm(layer.attention.output.dense(mixed) + h)
        h = layer.output.LayerNorm(layer.output.dense(F.gelu(layer.intermediate.dense(h))) + h)
        hidden.append(h)
    return hidden, scores, model.classifier(torch.tanh(bert.pooler.dense(h[:, 0])))


# BinaryBERT


def bwn(w, rows):
    return w.sign() * (w.abs().mean(1, keepdim=True) if rows else w.abs().mean())


def tws(v, rows):
    """w1 + w2 = v, and their binary values add up to its ternary ones."""
    three = twn(v, rows)
    total = (lambda x: x.sum(1, keepdim=True)) if rows else (lambda x: x.sum())
    zero = three == 0
    n = v.shape[1] if rows else v.numel()
    alpha = three.abs().max(1, keepdim=True)[0] if rows else three.abs().max()
    b = (alpha * n - total(v.abs())) / (2.0 * total(zero.double()))
    a11 = torch.where(zero, 0.0, v)
    a12 = torch.where(zero, torch.where(v > 0, v + b, b), 0.0)
    a22 = torch.where(zero, torch.where(v < 0, v - b, -b), 0.0)
    m = (total(a11.abs()) + total(a22.abs()) - total(a12.abs())) / (2.0 * total(a11.abs()))
    first = torch.where(zero, torch.where(v > 0, v + b, b), m * v)
    second = torch.where(zero, torch.where(v < 0, v - b, -b), (1 - m) * v)
    return first, second


class Two(torch.nn.Module):
    def __init__(self, plain, rows):
        super().__init__()
        self.rows = rows
        self.weight = plain.weight
        first, second = tws(plain.weight.detach(), rows)
        self.second = torch.nn.Parameter(second)
        self.weight.data.copy_(first)

    def on_grid(self):
        return sum(Through.apply(w, bwn(w.detach(), self.rows), math.inf) for w in (self.weight, self.second))


class TwoLinear(Two):
    def __init__(self, plain):
        super().__init__(plain, False)
        self.bias = plain.bias

    def forward(self, x):
        return F.linear(sym(x), self.on_grid(), self.bias)


class TwoTable(Two):
    def __init__(self, plain):
        super().__init__(plain, True)
        self.padding_idx = plain.padding_idx

    def forward(self, ids):
        return F.embedding(ids, self.on_grid(), self.padding_idx)


def prepared(linear, word, tables, head):
    model = tr.BertForSequenceClassification(config).double()
    model.load_state_dict({k: golden[f"teacher.{k}"].double() for k in model.state_dict()})
    model.eval()
    for layer in model.bert.encoder.layer:
        for parent, names in (
            (layer.attention.self, ("query", "key", "value")), (layer.attention.output, ("dense",)),
            (layer.intermediate, ("dense",)), (layer.output, ("dense",)),
        ):
            for name in names:
                setattr(parent, name, linear(getattr(parent, name)))
    model.bert.pooler.dense = linear(model.bert.pooler.dense)
    if head:
        model.classifier = linear(model.classifier)
    e = model.bert.embeddings
    e.word_embeddings = word(e.word_embeddings)
    if tables:
        e.position_embeddings, e.token_type_embeddings = word(e.position_embeddings), word(e.token_type_embeddings)
    return model


def hard(model, at):
    return F.cross_entropy(run_bert(model, at, None)[2], labels[at])


def distilled(model, at):
    with torch.no_grad():
        t_hidden, t_scores, t_logits = run_bert(teacher, at, None)
    s_hidden, s_scores, s_logits = run_bert(model, at, sym)
    soft = (-F.softmax(t_logits, -1) * F.log_softmax(s_logits, -1)).mean()
    return soft + sum(map(F.mse_loss, s_hidden, t_hidden)) + sum(map(F.mse_loss, s_scores, t_scores))


def lsq_table(plain):
    return Table(plain, Step(4, True))


runs = {
    "q8bert": (lambda: prepared(Q8Linear, lambda e: Table(e, q8_weight), True, True), hard),
    "lsq": (lambda: prepared(LsqLinear, lsq_table, False, False), hard),
    "ternary": (
        lambda: prepared(
            TernaryLinear, lambda e: Table(e, lambda w: Through.apply(w, twn(w.detach(), True), 2.5)), False, False
        ),
        distilled,
    ),
    "split": (
        lambda: prepared(TwoLinear, TwoTable, False, False),
        lambda model, at: F.cross_entropy(run_bert(model, at, sym)[2], labels[at]),
    ),
}
for run, (make, loss_of) in runs.items():
    model = make()
    kinds = {"step": [], "plain": [], "decayed": []}
    for name, p in model.named_parameters():
        plain = name.endswith("bias") or "LayerNorm" in name
        kinds["step" if name.endswith(".step") else "plain" if plain else "decayed"].append(p)
    optimizer = torch.optim.AdamW([
        {"params": kinds["decayed"], "weight_decay": 0.01, "factor": 1.0},
        {"params": kinds["plain"], "weight_decay": 0.0, "factor": 1.0},
        *([{"params": kinds["step"], "weight_decay": 0.0, "factor": 5.0}] if kinds["step"] else []),
    ], lr=LR, eps=1e-8)
    losses = []
    for step in range(STEPS):
        at = slice(0, 4) if step % 2 == 0 else slice(4, 8)
        loss = loss_of(model, at)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = LR * (step / 2 if step < 2 else (STEPS - step) / (STEPS - 2))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        optimizer.step()
        losses.append(loss.item())
    query = model.bert.encoder.layer[0].attention.self.query
    golden |= {f"{run}.losses": torch.tensor(losses), f"{run}.weight": query.weight.detach().clone()}
    golden[f"{run}.on-grid"] = query.on_grid().detach().clone()
    print(run, losses[:3], losses[-1])

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantize_aware")
os.makedirs(here, exist_ok=True)
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(here, "golden.safetensors"))
