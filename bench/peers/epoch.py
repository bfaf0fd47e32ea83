"""An epoch of PyTorch over texts of mixed length: batches in data-set order, padded to their longest. Called by ../epoch.mjs.

usage: epoch.py FILE, JSON of {ids: [[id]], labels, batch, threads, vocabulary, shape}; prints {"ms": [one], "loss": mean, "tokens": computed}
"""
import json
import sys
import time

import torch
from torch_peer import bert_of

with open(sys.argv[1]) as file:
    work = json.load(file)
torch.set_num_threads(work["threads"])
torch.manual_seed(0)
model = bert_of(work["shape"], work["vocabulary"]).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def batches():
    size = work["batch"]
    for start in range(0, len(work["ids"]), size):
        rows = [torch.tensor(row) for row in work["ids"][start:start + size]]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        yield ids, mask, torch.tensor(work["labels"][start:start + size])


def step(ids, mask, labels):
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


step(*next(batches()))
losses, tokens = [], 0
start = time.perf_counter()
for ids, mask, labels in batches():
    losses.append(step(ids, mask, labels))
    tokens += ids.numel()
ms = (time.perf_counter() - start) * 1e3
print(json.dumps({"ms": [ms], "loss": sum(losses) / len(losses), "tokens": tokens}))
