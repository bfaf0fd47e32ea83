"""Writes training/golden.safetensors: a small text classifier and what PyTorch makes of it in 20 optimizer steps.

usage: pip install torch==2.15.0 safetensors; python3 training.py

init.<parameter>; data.ids [N, T] (0: padding), data.labels [N]; three runs, <run>.order [epochs, N] (rows, cut into batches
of 6, the last shorter), <run>.losses (each batch's), <run>.norms (each step's, before clipping), <run>.final (logits of all rows):
plain         AdamW, weight decay 0.05 on all parameters, cosine with 3 steps of warm-up, gradient norm 1
groups        lr * 0.9^(n + 2 - depth) by layer, no decay for biases and layer norms, class weights, label smoothing 0.1,
              the positions frozen, linear with 2 steps of warm-up
accumulated   as groups, without smoothing, two batches a step, the gradient being that of both as one batch
balanced: scikit-learn's weights, n / (k n_c), in float64.
"""
import math
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)
WIDTH, HEADS, INNER, LAYERS, WORDS, LONGEST, CLASSES, EPS = 16, 2, 24, 2, 37, 9, 3, 1e-5
BATCH = 6


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x, mask):
        B, T, _ = x.shape
        q, k, v = (f(x).view(B, T, HEADS, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = (q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS)).masked_fill(mask[:, None, None] == 0, -torch.inf)
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.attentionNorm = nn.LayerNorm(WIDTH, eps=EPS)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.outputNorm = nn.LayerNorm(WIDTH, eps=EPS)

    def forward(self, x, mask):
        h = self.attentionNorm(x + self.attention(x, mask))
        return self.outputNorm(h + self.down(F.gelu(self.up(h))))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.wordEmbeddings = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.positionEmbeddings = nn.Embedding(LONGEST, WIDTH)
        self.embeddingNorm = nn.LayerNorm(WIDTH, eps=EPS)
        self.encoder = nn.ModuleList(Block() for _ in range(LAYERS))
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def forward(self, ids):
        mask = (ids != 0).long()
        h = self.embeddingNorm(self.wordEmbeddings(ids) + self.positionEmbeddings.weight[: ids.shape[1]])
        for block in self.encoder:
            h = block(h, mask)
        return self.classifier((h * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True))


N = 20
lengths = torch.randint(2, LONGEST + 1, (N,))
ids = torch.randint(1, WORDS, (N, LONGEST)) * (torch.arange(LONGEST) < lengths[:, None])
labels = torch.tensor([0] * 12 + [1] * 6 + [2] * 2)[torch.randperm(N)]
counts = torch.bincount(labels, minlength=CLASSES).double()
weights = N / (CLASSES * counts)

model = Classifier()
with torch.no_grad():
    for p in model.parameters():
        p.mul_(0.5)
    model.wordEmbeddings.weight[0] = 0
init = {k: v.clone() for k, v in model.state_dict().items()}


def depth(name):
    if name.startswith("encoder."):
        return int(name.split(".")[1]) + 1
    return LAYERS + 2 if name.startswith("classifier") else 0


def grouped(lr):
    return [
        {
            "params": [p],
            "lr": lr * 0.9 ** (LAYERS + 2 - depth(name)),
            "weight_decay": 0.0 if name.endswith("bias") or "Norm" in name else 0.05,
        }
        for name, p in model.named_parameters()
        if p.requires_grad
    ]


def run(epochs, lr, groups, factor, accumulate, weight, smoothing):
    model.load_state_dict(init)
    model.positionEmbeddings.weight.requires_grad = not groups
    params = grouped(lr) if groups else model.parameters()
    optimizer = torch.optim.AdamW(params, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    loss_of = lambda rows: F.cross_entropy(model(ids[rows]), labels[rows], weight=weight, label_smoothing=smoothing)
    orders, losses, norms = [], [], []
    for _ in range(epochs):
        order = torch.randperm(N)
        orders.append(order)
        batches = order.split(BATCH)
        for i in range(0, len(batches), accumulate):
            with torch.no_grad():
                losses += [loss_of(rows) for rows in batches[i : i + accumulate]]
            optimizer.zero_grad()
            loss_of(torch.cat(batches[i : i + accumulate])).backward()
            norms.append(torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0))
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        final = model(ids)
    return {"order": torch.stack(orders).int(), "losses": torch.stack(losses), "norms": torch.stack(norms), "final": final}


def linear(warm):
    return lambda t: t / warm if t < warm else max(0, (20 - t) / (20 - warm))


def cosine(warm):
    return lambda t: t / warm if t < warm else (1 + math.cos(math.pi * (t - warm) / (20 - warm))) / 2


w = weights.float()
runs = {
    "plain": run(5, 5e-3, False, cosine(3), 1, None, 0.0),
    "groups": run(5, 5e-3, True, linear(2), 1, w, 0.1),
    "accumulated": run(10, 5e-3, True, linear(2), 2, w, 0.0),
}
golden = {f"init.{k}": v for k, v in init.items()}
golden |= {"data.ids": ids.int(), "data.labels": labels.int(), "balanced": weights}
golden |= {f"{name}.{k}": v.detach() for name, out in runs.items() for k, v in out.items()}
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training")
os.makedirs(folder, exist_ok=True)
save_file({k: v.contiguous() for k, v in golden.items()}, f"{folder}/golden.safetensors")
