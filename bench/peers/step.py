"""Times a training step and a forward pass of transformers' BERT in PyTorch. Called by ../step.mjs.

usage: step.py layers width heads inner vocabulary batch tokens short threads steps; prints {"step": [ms], "forward": [ms], "latency": [ms]}
"""
import json
import sys
import time

import torch
from transformers import BertConfig, BertForSequenceClassification

layers, width, heads, inner, vocabulary, batch, tokens, short, threads, steps = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
config = BertConfig(
    vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
    intermediate_size=inner, max_position_embeddings=512,
)
model = BertForSequenceClassification(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
ids = torch.randint(1, vocabulary, (batch, tokens))
mask = torch.ones_like(ids)
labels = torch.arange(batch) % 2


def step():
    model.train()
    model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def forward():
    model.eval()
    with torch.no_grad():
        model(input_ids=ids, attention_mask=mask)


def latency():
    model.eval()
    with torch.no_grad():
        model(input_ids=ids[:1, :short], attention_mask=mask[:1, :short])


def times(run):
    run()
    out = []
    for _ in range(steps):
        start = time.perf_counter()
        run()
        out.append((time.perf_counter() - start) * 1e3)
    return out


json.dump({"step": times(step), "forward": times(forward), "latency": times(latency)}, sys.stdout)
