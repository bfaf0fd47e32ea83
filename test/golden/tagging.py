"""Writes tagging/: what transformers makes of words, of a small model of tokens and its training, and tagging/seqeval.json.

usage: pip install torch==2.15.0 transformers==5.24.0 safetensors seqeval==1.2.2; python3 tagging.py

tagging/bert: a BertForTokenClassification with a WordPiece tokenizer of its own; byte_bpe and unigram are the folders beside.
cases.json: words: {tokenizer: [[words, max length or null, ids, word_ids with -1 for none]]}, 'bert-left' cut on the left;
entities: [[text, pipeline's answer with aggregation_strategy 'first']]; training: {sentences, labels, losses, final}: 20 AdamW
steps on all of them, lr 1e-3, weight decay 0.05, linear without warm-up, gradient norm 1, labels on first tokens, -100 elsewhere;
final: logits of first tokens.
seqeval.json: [{said, there, accuracy, all: [precision, recall, f1], each: {type: [precision, recall, f1, support]}}]; tags of a
sentence with spaces, sentences with | between.
"""
import json
import os
import random
import shutil

import numpy as np
import torch
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as scores
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification, BertTokenizer, logging, pipeline

logging.set_verbosity_error()
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
top = os.path.join(here, "tagging")
folder = os.path.join(top, "bert")
shutil.rmtree(folder, ignore_errors=True)

texts = [
    "Angela Merkel flew from Berlin to the U.N. in New York, didn't she?",
    "O'Neill works for AT&T and lives in S\u00e3o Paulo.",
    "\u6771\u4eac is Tokyo; Z\u00fcrich isn't.",
    "Prices rose 3.14% (again) at Foo-Bar Ltd.",
    "  two  spaces   and\ta tab ",
    "unbelievable \u2603 snow",
    "Paris Paris London Paris",
    "a",
]
sentences = [
    ["Angela", "Merkel", "flew", "from", "Berlin", "to", "the", "U.N.", "in", "New", "York", ",", "did", "n't", "she", "?"],
    ["O'Neill", "works", "for", "AT&T", "and", "lives", "in", "S\u00e3o", "Paulo", "."],
    ["\u6771\u4eac", "is", "Tokyo", ";", "Z\u00fcrich", "is", "n't", "."],
    ["x", "\u200b", "\u2603", "unbelievable", "#hash", "@you", "http://x.y/z", "\U0001f600", "don't", "a b", "\u0130stanbul", "[MASK]"],
    ["Foo-Bar", "Ltd."],
    ["\u00ad", "\u200d"],
    [],
]
words = BertWordPieceTokenizer(lowercase=True)
words.train_from_iterator(texts + [" ".join(s) for s in sentences], vocab_size=160, min_frequency=1)
os.makedirs(folder)
words.save_model(folder)
tokenizer = BertTokenizer.from_pretrained(folder, model_max_length=48)
labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG"]
torch.manual_seed(8)
config = BertConfig(
    vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=48,
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.3,
    id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
)
model = BertForTokenClassification(config).eval()
with torch.no_grad():
    model.bert.embeddings.word_embeddings.weight.mul_(5)
    model.classifier.bias.zero_()
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)


def split(tokenizer):
    out = []
    for own in sentences:
        for n in [None, 4, 9, 14]:
            options = {} if n is None else dict(truncation=True, max_length=n)
            e = tokenizer(own, is_split_into_words=True, **options)
            out.append([own, n, e["input_ids"], [-1 if w is None else w for w in e.word_ids()]])
    return out


tokenizers = {
    "bert": AutoTokenizer.from_pretrained(folder),
    "bert-left": AutoTokenizer.from_pretrained(folder, truncation_side="left"),
    "byte_bpe": AutoTokenizer.from_pretrained(os.path.join(here, "byte_bpe"), add_prefix_space=True),
    "unigram": AutoTokenizer.from_pretrained(os.path.join(here, "unigram")),
}
cases = {"words": {name: split(own) for name, own in tokenizers.items()}}

pipe = pipeline("token-classification", folder, aggregation_strategy="first")
cases["entities"] = [
    [text, [{k: float(v) if k == "score" else v for k, v in e.items()} for e in pipe(text)]] for text in texts
]

rng = random.Random(4)
batch = sentences[:5]
tags = [[rng.randrange(len(labels)) for _ in own] for own in batch]
encoded = tokenizer(batch, is_split_into_words=True, padding=True, return_tensors="pt")
target = torch.full_like(encoded["input_ids"], -100)
firsts = []
for b, own in enumerate(tags):
    before = None
    for t, w in enumerate(encoded.word_ids(b)):
        if w is not None and w != before:
            target[b, t] = own[w]
            firsts.append((b, t))
        before = w
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (20 - t) / 20)
losses = []
for _ in range(20):
    loss = model(**encoded, labels=target).loss
    losses.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
with torch.no_grad():
    final = model(**encoded).logits
cases["training"] = {
    "sentences": batch, "labels": tags, "losses": losses, "final": [final[b, t].tolist() for b, t in firsts],
}
with open(os.path.join(top, "cases.json"), "w", encoding="utf8") as f:
    json.dump(cases, f)

sets = [
    ["O", "B-A", "I-A", "B-B", "I-B"],
    ["O", "I-A", "I-B", "B-A"],
    ["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"],
    ["O", "B-a-b", "I-a-b", "B-b", "I-b"],
]
out = []
for i in range(160):
    names = sets[i % len(sets)]
    there = [[rng.choice(names) for _ in range(rng.randrange(1, 9))] for _ in range(rng.randrange(1, 5))]
    said = [[t if rng.random() < 0.6 else rng.choice(names) for t in own] for own in there]
    if i % 20 == 19:
        said = [["O"] * len(own) for own in there]
    p, r, f, _ = scores(there, said, average="micro", zero_division=0)
    types = sorted({t.split("-", 1)[1] for own in there + said for t in own if t != "O"})
    P, R, F, S = scores(there, said, average=None, zero_division=0)
    assert len(P) == len(types) or not types, (types, P)
    join = lambda rows: "|".join(" ".join(own) for own in rows)
    out.append({
        "said": join(said), "there": join(there), "accuracy": accuracy_score(there, said), "all": [float(p), float(r), float(f)],
        "each": {t: [float(P[k]), float(R[k]), float(F[k]), int(S[k])] for k, t in enumerate(types)},
    })
with open(os.path.join(top, "seqeval.json"), "w") as f:
    json.dump(out, f)
