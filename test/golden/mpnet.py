"""Writes mpnet/, a small tokenizer of MPNet's, and mpnet.json: ids of transformers' AutoTokenizer for the texts of wordpiece.json.

usage: pip install transformers==5.24.0; python3 mpnet.py

BERT's pieces behind RoBERTa's special tokens, as in mpnet-base: [CLS] and its like are plain pieces of the model. Cases are
[text, pair or null, max length or null, ids].
"""
import json
import os
import shutil

from transformers import AutoTokenizer, MPNetConfig, MPNetTokenizer

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "mpnet")
shutil.rmtree(folder, ignore_errors=True)
pieces = open(os.path.join(here, "wordpiece", "vocab.txt"), encoding="utf8").read().rstrip("\n").split("\n")
vocab = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *dict.fromkeys(pieces), "<mask>"])}
MPNetTokenizer(vocab=vocab, model_max_length=64).save_pretrained(folder)
MPNetConfig(vocab_size=len(vocab)).save_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
assert type(tokenizer).__name__ == "MPNetTokenizer"
os.remove(os.path.join(folder, "config.json"))

given = [case[:3] for case in json.load(open(os.path.join(here, "wordpiece.json"), encoding="utf8"))["plain"]]
given += [[text, None, None] for text in ["a <mask> dog", "a<mask>dog", "<s>the</s>", "[CLS] a [SEP]", "<pad> [PAD] [MASK] <unk>"]]
cases = []
for text, pair, n in given:
    options = {} if n is None or n < 4 else dict(truncation="longest_first", max_length=n)
    e = tokenizer([text], None if pair is None else [pair], **options)
    cases.append([text, pair, options.get("max_length"), e["input_ids"][0]])
t = tokenizer
special = [t.pad_token_id, t.unk_token_id, t.cls_token_id, t.sep_token_id, t.mask_token_id, len(t)]
with open(os.path.join(here, "mpnet.json"), "w", encoding="utf8") as f:
    json.dump({"special": special, "cases": cases}, f, separators=(",", ":"))
print(special, len(cases), list(e))
