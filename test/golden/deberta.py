"""Writes deberta-v2/, the Unigram tokenizer of unigram/ as DeBERTa-v3's, and deberta-v2.json: ids of transformers' AutoTokenizer
for the texts of wordpiece.json and byte_bpe.json, and kinds of distances by PyTorch.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 deberta.py (after unigram.py)

`lower` makes letters small; `old` is tokenizer.json as transformers 4 writes it, with sentencepiece's table, and its ids by
tokenizers. Cases are [text, pair or null, max length or null, ids]. Of buckets: [position_buckets, max_relative_positions, kinds of
the distances 0, 1, ... 2 max].
"""
import json
import os
import shutil
import tempfile

import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, DebertaV2Config, DebertaV2Tokenizer
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "deberta-v2")
shutil.rmtree(folder, ignore_errors=True)
load = lambda name: json.load(open(os.path.join(here, name), encoding="utf8"))
unigram = load("unigram/tokenizer.json")
pieces = [tuple(piece) for piece in unigram["model"]["vocab"][4:-1]]
steps = unigram["normalizer"]
precompiled = steps if steps["type"] == "Precompiled" else steps["normalizers"][0]
vocab = [("[PAD]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[UNK]", 0.0), *pieces, ("[MASK]", 0.0)]

given = [case[:3] for case in load("wordpiece.json")["plain"]] + [case[:3] for case in load("byte_bpe.json")["plain"][-16:]]
given += [[text, None, None] for text in ["a  b\nc\r\n d ", " a\u00a0\u3000b\u2028", "e\u0301 \u00e9", "a [MASK] dog", "[MASK]", "\ufb01ne \u2460 \uff21", "\u65e5\u672c\u8a9e \u4e2d x"]]


def rows(encode):
    out = []
    for text, pair, n in given:
        out.append([text, pair, None if n is None or n < 4 else n, encode(text, pair, n)])
    return out


def cases(there, **options):
    DebertaV2Tokenizer(vocab=vocab, model_max_length=64, **options).save_pretrained(there)
    DebertaV2Config(vocab_size=len(vocab)).save_pretrained(there)
    t = AutoTokenizer.from_pretrained(there)
    assert type(t).__name__ == "DebertaV2Tokenizer"

    def encode(text, pair, n):
        cut = {} if n is None or n < 4 else dict(truncation="longest_first", max_length=n)
        return t([text], None if pair is None else [pair], **cut)["input_ids"][0]

    return rows(encode), [t.pad_token_id, t.unk_token_id, t.cls_token_id, t.sep_token_id, t.mask_token_id, len(t)]


plain, special = cases(folder)
os.remove(os.path.join(folder, "config.json"))
with tempfile.TemporaryDirectory() as there:
    lower, _ = cases(there, do_lower_case=True)

old = json.load(open(f"{folder}/tokenizer.json", encoding="utf8"))
spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
old["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": True, "strip_right": True}, precompiled, spaces]}
before = Tokenizer.from_str(json.dumps(old))


def encode_old(text, pair, n):
    before.no_truncation() if n is None or n < 4 else before.enable_truncation(n, strategy="longest_first")
    return before.encode(text, pair).ids


buckets = []
for size, most in [(256, 512), (4, 10), (16, 40), (8, 300), (32, 33)]:
    n = torch.arange(2 * most + 1)
    buckets.append([size, most, make_log_bucket_position(n, size, most).long().tolist()])
some = lambda cases: [b for i, (a, b) in enumerate(zip(plain, cases)) if i % 5 == 0 or a[3] != b[3]]
golden = {"special": special, "plain": plain, "lower": some(lower), "old": some(rows(encode_old)), "buckets": buckets}
with open(os.path.join(here, "deberta-v2.json"), "w", encoding="utf8") as f:
    json.dump(golden, f, separators=(",", ":"))
print(special, [len(golden[name]) for name in ("plain", "lower", "old")])
