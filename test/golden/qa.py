"""Writes qa/: what transformers makes of questions and their texts, of small models that find answers, and SQuAD's figures.

usage: pip install torch==2.15.0 transformers==5.24.0 torchmetrics==1.9.0 safetensors; python3 qa.py

models/<family>: a tiny random ...ForQuestionAnswering as save_pretrained writes it; golden.safetensors has in.* (input_ids,
attention_mask, token_type_ids where the case has them, starts, ends), out.starts, out.ends (logits), out.loss; of bert, roberta and
distilbert also grad.<parameter> and train.losses, train.starts, train.ends of 20 AdamW steps on that batch: lr 2e-3, weight decay
0.05, linear without warm-up, gradient norm 1. Padding is left out of what is compared.
cases.json: windows: {tokenizer: [[question, context, max length, stride, [ids, types, first and last context token, offsets in
code points without white space at their ends, place of the answer's first and last token] a window]]}, the answer's beginning and
text; best: [[logits of starts and ends a window, offsets a window, n best, longest, allows none, threshold, what is said]], by
postprocess_qa_predictions of transformers' examples; sure: the same by transformers' pipeline (4.57), without words aligned:
[answer, start, end, score]. figures.json: [[said, [gold, ...], exact match, f1]], of gold by torchmetrics.
"""
import json
import math
import os
import random
import re
import shutil
import string
from collections import Counter

import numpy as np
import torch
import transformers as tr
from safetensors.torch import save_file
from torchmetrics.functional.text import squad

tr.logging.set_verbosity_error()
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
top = os.path.join(here, "qa")
shutil.rmtree(top, ignore_errors=True)
os.makedirs(top)

# Models.

VOCAB = 23
size = dict(vocab_size=VOCAB, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=16)
none = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager")
deberta = dict(relative_attention=True, position_biased_input=False, share_att_key=True, pos_att_type=["p2c", "c2p"],
               norm_rel_ebd="layer_norm", position_buckets=4, pad_token_id=0)
configs = {
    "bert": tr.BertConfig(**size, **none, max_position_embeddings=10),
    "roberta": tr.RobertaConfig(**size, **none, max_position_embeddings=12, type_vocab_size=1, layer_norm_eps=1e-5),
    "distilbert": tr.DistilBertConfig(vocab_size=VOCAB, dim=12, n_layers=2, n_heads=3, hidden_dim=16, max_position_embeddings=10,
                                      dropout=0.0, attention_dropout=0.0, qa_dropout=0.0, attn_implementation="eager"),
    "electra": tr.ElectraConfig(**size, **none, max_position_embeddings=10, embedding_size=7),
    "albert": tr.AlbertConfig(**size, **none, max_position_embeddings=10, embedding_size=7),
    "mpnet": tr.MPNetConfig(**size, **none, max_position_embeddings=12),
    "camembert": tr.CamembertConfig(**size, **none, max_position_embeddings=12, type_vocab_size=1),
    "modernbert": tr.ModernBertConfig(**size, max_position_embeddings=10, local_attention=4, pad_token_id=0, bos_token_id=1,
                                      eos_token_id=2, cls_token_id=1, sep_token_id=2, attn_implementation="eager"),
    "deberta": tr.DebertaV2Config(**size, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, max_position_embeddings=10, **deberta),
    "mobilebert": tr.MobileBertConfig(**size, **none, max_position_embeddings=10, embedding_size=7, intra_bottleneck_size=6,
                                      true_hidden_size=6, num_feedforward_networks=2),
}
torch.manual_seed(3)
for name, config in configs.items():
    model = tr.AutoModelForQuestionAnswering.from_config(config)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3 + (p if p.dim() == 1 else 0))
    folder = os.path.join(top, "models", name)
    model.save_pretrained(folder)
    lengths = (9, 6, 4)
    mask = torch.tensor([[1] * n + [0] * (9 - n) for n in lengths])
    pad = config.pad_token_id or 0
    inputs = dict(input_ids=torch.where(mask.bool(), torch.randint(pad + 1, VOCAB, mask.shape), pad), attention_mask=mask)
    if getattr(config, "type_vocab_size", 0) == 2 and name != "deberta":
        inputs["token_type_ids"] = torch.randint(0, 2, mask.shape) * mask
    starts, ends = torch.tensor([2, 0, 3]), torch.tensor([8, 0, 3])
    golden = {f"in.{k}": v.int() for k, v in (inputs | dict(starts=starts, ends=ends)).items()}

    def logits():
        # As transformers' trainer pads with the batch: padding takes part in its softmax, and here it must not.
        out = model(**inputs)
        return [z.masked_fill(mask == 0, -torch.inf) for z in (out.start_logits, out.end_logits)]

    def loss_of(pair):
        return sum(torch.nn.functional.cross_entropy(z, y) for z, y in zip(pair, (starts, ends))) / 2

    pair = logits()
    loss = loss_of(pair)
    finite = lambda z: z.masked_fill(mask == 0, 0).detach().contiguous()
    golden |= {"out.starts": finite(pair[0]), "out.ends": finite(pair[1]), "out.loss": loss.detach()}
    if name in ("bert", "roberta", "distilbert"):
        loss.backward()
        golden |= {f"grad.{k}": p.grad.clone() for k, p in model.named_parameters() if p.grad is not None}
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (20 - t) / 20)
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = loss_of(logits())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        pair = logits()
        golden |= {"train.losses": torch.stack(losses), "train.starts": finite(pair[0]), "train.ends": finite(pair[1])}
    else:
        # With no row of padding the loss is transformers' own.
        whole = {k: v[:1] for k, v in inputs.items()}
        own = model(**whole, start_positions=starts[:1], end_positions=ends[:1]).loss
        mine = sum(torch.nn.functional.cross_entropy(z[:1], y[:1]) for z, y in zip(pair, (starts, ends))) / 2
        assert abs(own.item() - mine.item()) < 1e-5
    save_file(golden, os.path.join(folder, "golden.safetensors"))

# Windows.

texts = [
    ("Who flew from Berlin?", "Angela Merkel flew from Berlin to the U.N. in New York, didn't she? Angela flew.", "Angela Merkel"),
    ("where is it", "  two  spaces   and\ta tab, in S\u00e3o Paulo; e\u0301t\u00e9 \u0130stanbul \u1e9b\u0323 Zu\u0308rich\u2026", "S\u00e3o Paulo"),
    ("\u6771\u4eac?", "\u6771\u4eac is Tokyo; Z\u00fcrich isn't \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2603 unbelievable.", "\U0001f600"),
    ("how much", "Prices rose 3.14% (again) at Foo-Bar Ltd.\nO'Neill works for AT&T \ufb01ne \u00bd \u2460 \ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "3.14%"),
    ("what", "x \u200b\u00ad y [MASK] <mask> z</s> [SEP] end ``quoted'' now", "y"),
    ("why", "a", "a"),
    ("  q  ", "unbelievable unbelievable \u0645\u0631\u062d\u0628\u0627 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0939\u093f\u0928\u094d\u0926\u0940 \U00010000\U0001d165", "unbelievable"),
]


def windows(tokenizer, question, context, answer, most, stride):
    e = tokenizer(question, context, truncation="only_second", max_length=most, stride=stride,
                  return_overflowing_tokens=True, return_offsets_mapping=True, return_token_type_ids=True)
    begin = context.index(answer)
    out = []
    for i, ids in enumerate(e["input_ids"]):
        seconds = [t for t, s in enumerate(e.sequence_ids(i)) if s == 1]
        first, last = (seconds[0], seconds[-1]) if seconds else (0, -1)
        offsets = []
        for t in range(first, last + 1):
            a, b = e["offset_mapping"][i][t]
            while a < b and context[a].isspace():
                a += 1
            while b > a and context[b - 1].isspace():
                b -= 1
            offsets.append([a, b])
        # As run_qa.py, which looks beyond the text's last token.
        place = [0, 0]
        if seconds and offsets[0][0] <= begin and offsets[-1][1] >= begin + len(answer):
            place = [max(t for t in seconds if offsets[t - first][0] <= begin),
                     min(t for t in seconds if offsets[t - first][1] >= begin + len(answer))]
        # RoBERTa's kin, whose models have one type, get 1 in later windows alone, and do not hand it on.
        types = e["token_type_ids"][i] if "token_type_ids" in tokenizer.model_input_names else [0] * len(ids)
        out.append([ids, types, first, last, offsets, place])
    return [question, context, answer, begin, most, stride, out]


tokenizers = {
    "tagging/bert": tr.AutoTokenizer.from_pretrained(os.path.join(here, "tagging", "bert")),
    "byte_bpe": tr.AutoTokenizer.from_pretrained(os.path.join(here, "byte_bpe")),
    "unigram": tr.AutoTokenizer.from_pretrained(os.path.join(here, "unigram")),
}
cases = {"windows": {
    name: [windows(own, *text, most, stride) for text in texts for most, stride in ((384, 128), (48, 7), (52, 1))]
    for name, own in tokenizers.items()
}}

# The best of many.

rng = random.Random(5)
np.random.seed(5)


def best_of(context, parts, n_best, longest, null, threshold):
    """postprocess_qa_predictions."""
    found, least = [], None
    for starts, ends, offsets in parts:
        none = starts[0] + ends[0]
        if least is None or least["score"] > none:
            least = dict(offsets=(0, 0), score=none)
        for s in np.argsort(starts)[-1 : -n_best - 1 : -1].tolist():
            for e in np.argsort(ends)[-1 : -n_best - 1 : -1].tolist():
                if offsets[s] is None or offsets[e] is None or e < s or e - s + 1 > longest:
                    continue
                found.append(dict(offsets=(offsets[s][0], offsets[e][1]), score=starts[s] + ends[e]))
    if null:
        found.append(least)
    best = sorted(found, key=lambda x: x["score"], reverse=True)[:n_best]
    if null and not any(p["offsets"] == (0, 0) for p in best):
        best.append(least)
    said = [context[p["offsets"][0] : p["offsets"][1]] for p in best]
    if not null:
        return said[0] if said else ""
    own = next((i for i, text in enumerate(said) if text), None)
    if own is None or least["score"] - best[own]["score"] > threshold:
        return ""
    return said[own]


def sure_of(context, parts, longest, null):
    """QuestionAnsweringPipeline.postprocess with align_to_words=False."""
    found, least = [], 1000000.0
    for starts, ends, offsets in parts:
        usable = np.array([o is not None for o in offsets])
        usable[0] = True
        p = []
        for z in (starts, ends):
            z = np.where(usable, z, -10000.0)
            own = np.exp(z - z.max())
            p.append(own / own.sum())
        least = min(least, p[0][0] * p[1][0])
        p[0][0] = p[1][0] = 0.0
        outer = np.tril(np.triu(np.outer(p[0], p[1])), longest - 1)
        s, e = np.unravel_index(outer.argmax(), outer.shape)
        if s > 0:
            found.append((float(outer[s, e]), offsets[s][0], offsets[e][1]))
    if null:
        found.append((float(least), 0, 0))
    score, a, b = max(found)
    return [context[a:b], a, b, score]


cases["best"], cases["sure"] = [], []
for i in range(60):
    words = ["".join(rng.choice("abcd") for _ in range(rng.randrange(1, 5))) for _ in range(rng.randrange(4, 40))]
    context = " ".join(words)
    places, at = [], 0
    for word in words:
        places.append((at, at + len(word)))
        at += len(word) + 1
    parts = []
    for first in range(0, len(words), 12):
        own = places[first : first + 16]
        offsets = [None] * 4 + own + [None]
        z = lambda: np.round(np.random.randn(len(offsets)) * 3, 4)
        parts.append((z(), z(), offsets))
    n_best, longest = (20, 30) if i % 3 == 0 else (rng.randrange(3, 9), rng.randrange(1, 6))
    null, threshold = i % 2 == 1, rng.choice([0.0, -1.5, 2.0])
    kept = [[s.tolist(), e.tolist(), o] for s, e, o in parts]
    said = best_of(context, parts, n_best, longest, null, threshold)
    cases["best"].append([context, kept, n_best, longest, null, threshold, said])
    cases["sure"].append([i, sure_of(context, parts, longest, null)])
with open(os.path.join(top, "cases.json"), "w", encoding="utf8") as f:
    json.dump(cases, f)

# SQuAD's figures, by its own script where nothing is there to be found.


def normal(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(gold, said):
    a, b = normal(gold).split(), normal(said).split()
    same = sum((Counter(a) & Counter(b)).values())
    if not a or not b:
        return float(a == b)
    return 0.0 if same == 0 else 2 * same / (len(a) + len(b))


vocabulary = ["the", "The", "a", "an", "cat", "Cat,", "cats", "U.N.", "1976", "(1976)", "in-law", "\u00c9t\u00e9", "the,", "an'", "\u2014", "x_y",
              "\u0130s", "a\u0301", "\u1d00n", "the\u00a0end", "an\u200ba", "\u6771\u4eac", "3.14", "$5"]
figures = []
for i in range(160):
    text = lambda: " ".join(rng.choice(vocabulary) for _ in range(rng.randrange(0, 6)))
    gold = [text() for _ in range(rng.randrange(1, 4))]
    said = rng.choice(gold) if i % 5 == 0 else text()
    if i % 16 == 7:
        gold = [""]
    if i % 32 == 7:
        said = ""
    # Version 2 passes over answers of which nothing is left.
    right = [g for g in gold if normal(g)] or [""]
    exact, part = float(any(normal(g) == normal(said) for g in right)), max(f1(g, said) for g in right)
    if all(normal(g) for g in gold) and normal(said):
        theirs = squad([dict(prediction_text=said, id="0")], [dict(answers=dict(answer_start=[0] * len(gold), text=gold), id="0")])
        assert math.isclose(theirs["exact_match"].item() / 100, exact) and math.isclose(theirs["f1"].item() / 100, part, rel_tol=1e-5)
    figures.append([said, gold, exact, part])
with open(os.path.join(top, "figures.json"), "w", encoding="utf8") as f:
    json.dump(figures, f)
