"""Writes prune/golden.safetensors: 20 steps of training with masks by five methods, in PyTorch and float64.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 prune.py

Labels alone, cubic schedule after 2 steps, the last 5 with all of it; the 6 matrices of each layer. magnitude: the smallest of each
matrix, global: of all together, masked ones set to 0 after each step. movement: as masked_bert of Hugging Face's movement-pruning
(TopKBinarizer): the mask's gradient goes to the scores, of all weights. block: the same with a score for each 4x4. soft: its
ThresholdBinarizer with sigmoid, and the mean of sigmoid(S) over matrices as a penalty. of: movement with 2 of 4 of each row, which
become 4, 3, 2. Of equal ones those stay that come first, where the codes leave it to the sort.

AdamW, weight decay 0.01 but for biases, norms and scores, linear with 2 steps of warm-up, gradient norm 1 over all. ids [8, 9],
labels [8]; start.<parameter>: weights at the start; <run>.losses [20]; <run>.weight, .scores, .mask: of the first layer's query after
them, <run>.kept [12]: how many weights of each matrix stay.
"""
import math
import os

import torch
import torch.nn.functional as F
import transformers as tr
from safetensors.torch import save_file

torch.manual_seed(12)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
VOCAB, T, STEPS, LR, BEGIN, HOLD = 31, 9, 20, 1e-3, 2, 5
golden = {}
ids = torch.randint(5, VOCAB, (8, T)).int()
labels = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
golden |= {"ids": ids, "labels": labels.int()}
config = tr.BertConfig(
    vocab_size=VOCAB, max_position_embeddings=T, attn_implementation="eager", hidden_size=12, num_hidden_layers=2,
    num_attention_heads=3, intermediate_size=20, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
start = tr.BertForSequenceClassification(config).double().eval()
with torch.no_grad():
    for p in start.parameters():
        p.copy_((torch.randn_like(p) * 0.2 + (p if p.dim() == 1 else 0)).float())
golden |= {f"start.{k}": p.detach().float().clone() for k, p in start.named_parameters()}


def done(step):
    if step >= STEPS - HOLD:
        return 1.0
    return 0.0 if step <= BEGIN else 1 - (1 - (step - BEGIN) / (STEPS - HOLD - BEGIN)) ** 3


def first_largest(scores, kept):
    order = torch.argsort(scores.flatten(), descending=True, stable=True)
    mask = torch.zeros(scores.numel())
    mask[order[:kept]] = 1
    return mask.view_as(scores)


def kept_of(n, sparsity):
    return max(math.ceil(n / 200), n - math.floor(sparsity * n + 0.5))


class Straight(torch.autograd.Function):
    """A mask made of scores, whose gradient goes to the scores as it is."""

    @staticmethod
    def forward(ctx, scores, mask):
        return mask

    @staticmethod
    def backward(ctx, dy):
        return dy, None


class Masked(torch.nn.Module):
    def __init__(self, plain, block=1, scored=True):
        super().__init__()
        self.weight, self.bias, self.block = plain.weight, plain.bias, block
        self.mask = torch.ones_like(plain.weight.detach())
        if scored:
            r, c = plain.weight.shape
            self.scores = torch.nn.Parameter(torch.zeros(r // block, c // block))

    def wide(self, x):
        return x.repeat_interleave(self.block, 0).repeat_interleave(self.block, 1)

    def forward(self, x):
        if not hasattr(self, "scores"):
            return F.linear(x, self.weight * self.mask, self.bias)
        return F.linear(x, self.weight * self.wide(Straight.apply(self.scores, self.units)), self.bias)


def masked_layers(model):
    return [m for m in model.modules() if isinstance(m, Masked)]


def prepared(block, scored):
    model = tr.BertForSequenceClassification(config).double()
    model.load_state_dict({k: golden[f"start.{k}"].double() for k in model.state_dict()})
    model.eval()
    for layer in model.bert.encoder.layer:
        for parent, names in (
            (layer.attention.self, ("query", "key", "value")), (layer.attention.output, ("dense",)),
            (layer.intermediate, ("dense",)), (layer.output, ("dense",)),
        ):
            for name in names:
                setattr(parent, name, Masked(getattr(parent, name), block, scored))
    return model


def by_scores(sparsity):
    def update(layers, step):
        for m in layers:
            m.units = first_largest(m.scores.detach(), kept_of(m.scores.numel(), sparsity * done(step)))

    return update


def soft(layers, step, bar=0.3):
    for m in layers:
        m.units = (torch.sigmoid(m.scores.detach()) > bar * done(step)).double()


def two_of_four(layers, step):
    left = max(2, 4 - math.floor(4 * 0.5 * done(step) + 0.5))
    for m in layers:
        m.units = torch.stack([first_largest(run, left) for run in m.scores.detach().view(-1, 4)]).view_as(m.scores)


def sizes(m):
    return torch.where(m.mask == 0, -1.0, m.weight.detach().abs())


def magnitude(sparsity):
    def update(layers, step):
        for m in layers:
            m.mask = first_largest(sizes(m), kept_of(m.weight.numel(), sparsity * done(step)))
            m.weight.data.mul_(m.mask)

    return update


def together(sparsity):
    def update(layers, step):
        whole = torch.cat([sizes(m).flatten() for m in layers])
        # No matrix of these comes near the least that stays.
        parts = first_largest(whole, kept_of(whole.numel(), sparsity * done(step))).split([m.weight.numel() for m in layers])
        for m, part in zip(layers, parts):
            m.mask = part.view_as(m.weight)
            m.weight.data.mul_(m.mask)

    return update


runs = {
    "magnitude": (1, False, magnitude(0.7), 0, 0),
    "global": (1, False, together(0.6), 0, 0),
    "movement": (1, True, by_scores(0.7), 1e-2, 0),
    "block": (4, True, by_scores(0.6), 1e-2, 0),
    "of": (1, True, two_of_four, 1e-2, 0),
    "soft": (1, True, soft, 0.4, 5.0),
}
for run, (block, scored, update, score_lr, penalty) in runs.items():
    model = prepared(block, scored)
    layers = masked_layers(model)
    kinds = {"scores": [], "plain": [], "decayed": []}
    for name, p in model.named_parameters():
        plain = name.endswith("bias") or "LayerNorm" in name
        kinds["scores" if name.endswith(".scores") else "plain" if plain else "decayed"].append(p)
    optimizer = torch.optim.AdamW([
        {"params": kinds["decayed"], "weight_decay": 0.01, "factor": 1.0},
        {"params": kinds["plain"], "weight_decay": 0.0, "factor": 1.0},
        *([{"params": kinds["scores"], "weight_decay": 0.0, "factor": score_lr / LR}] if scored else []),
    ], lr=LR, eps=1e-8)
    losses = []
    update(layers, 0)
    for step in range(STEPS):
        at = slice(0, 4) if step % 2 == 0 else slice(4, 8)
        loss = F.cross_entropy(model(input_ids=ids[at].long()).logits, labels[at])
        if penalty:
            loss = loss + penalty * done(step) * sum(torch.sigmoid(m.scores).mean() for m in layers) / len(layers)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = LR * (step / 2 if step < 2 else (STEPS - step) / (STEPS - 2))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        optimizer.step()
        update(layers, step + 1)
        losses.append(loss.item())
    query = model.bert.encoder.layer[0].attention.self.query
    masks = [m.wide(m.units) if scored else m.mask for m in layers]
    golden |= {f"{run}.losses": torch.tensor(losses), f"{run}.weight": query.weight.detach().clone()}
    golden |= {f"{run}.mask": masks[0].clone(), f"{run}.kept": torch.stack([m.sum() for m in masks])}
    if scored:
        golden[f"{run}.scores"] = query.scores.detach().clone()
    print(run, losses[:3], losses[-1], [int(m.sum()) for m in masks])

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prune")
os.makedirs(here, exist_ok=True)
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(here, "golden.safetensors"))
