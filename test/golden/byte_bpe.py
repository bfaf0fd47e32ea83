"""Writes byte_bpe/, a small byte-level BPE tokenizer as RoBERTa's, and byte_bpe.json: ids of transformers' AutoTokenizer for the
texts of wordpiece.json.

usage: pip install transformers==5.24.0; python3 byte_bpe.py

Tokenizers: `plain` is the folder as saved; `prefix` puts a space before a text; `added` has tokens that take the spaces beside
them, and a mask that takes those on its left, as roberta-base's does. Cases are [text, pair or null, max length or null, ids].
"""
import json
import os
import shutil
import tempfile

from tokenizers import ByteLevelBPETokenizer
from transformers import AutoTokenizer, RobertaConfig, RobertaTokenizer

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "byte_bpe")
shutil.rmtree(folder, ignore_errors=True)
given = json.load(open(os.path.join(here, "wordpiece.json"), encoding="utf8"))["plain"]
more = ["a <mask> b", "a<mask>b", " <mask>", "a\u00a0\u3000<mask>\tb", "<s>x</s>", "<pad> <unk>", "x  y   z", " \n\n a\n", "don't we'll I'M",
        "a\ufeff <mask>", "a\x85<mask>", "new_tok new_tok  x", "a  right  b", "a  left  b", "9\u0660\u00bd\u2167", "\u01c5x\u02b0 \u0300y"]

texts = [text for text, _, _, _, _ in given] + more
bpe = ByteLevelBPETokenizer()
bpe.train_from_iterator(sorted(set(texts)) * 2, vocab_size=640, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
with tempfile.TemporaryDirectory() as raw:
    bpe.save_model(raw)
    tokenizer = RobertaTokenizer(vocab=f"{raw}/vocab.json", merges=f"{raw}/merges.txt", model_max_length=64)
tokenizer.save_pretrained(folder)


def cases(tokenizer):
    out = []
    for text, pair, n in [(t, p, n) for t, p, n, _, _ in given] + [(t, None, None) for t in more]:
        options = {} if n is None or n < 4 else dict(truncation="longest_first", max_length=n)
        e = tokenizer([text], None if pair is None else [pair], **options)
        out.append([text, pair, options.get("max_length"), e["input_ids"][0]])
    return out


def variant(change_json, change_config):
    with tempfile.TemporaryDirectory() as there:
        for name, change in [("tokenizer.json", change_json), ("tokenizer_config.json", change_config)]:
            document = json.load(open(f"{folder}/{name}", encoding="utf8"))
            change(document)
            json.dump(document, open(f"{there}/{name}", "w", encoding="utf8"))
        RobertaConfig().save_pretrained(there)
        return cases(AutoTokenizer.from_pretrained(there))


def added(document):
    for token in document["added_tokens"]:
        token["lstrip"] = token["content"] == "<mask>"
    n = len(document["model"]["vocab"])
    for i, (content, sides) in enumerate([("new_tok", {}), ("right", {"rstrip": True}), ("left", {"lstrip": True})]):
        token = dict(id=n + i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=i > 0, special=False)
        document["added_tokens"].append(token | sides)


def prefix(document):
    document["pre_tokenizer"]["add_prefix_space"] = True


def from_files():
    """As folders have it that are older than tokenizer.json."""
    model = json.load(open(f"{folder}/tokenizer.json", encoding="utf8"))["model"]
    with tempfile.TemporaryDirectory() as there:
        json.dump(model["vocab"], open(f"{there}/vocab.json", "w", encoding="utf8"))
        with open(f"{there}/merges.txt", "w", encoding="utf8") as f:
            f.write("#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in model["merges"]))
        RobertaConfig().save_pretrained(there)
        return cases(AutoTokenizer.from_pretrained(there))


names = [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id]
golden = {
    "special": names + [len(tokenizer)],
    "plain": variant(lambda d: None, lambda c: None),
    "prefix": variant(prefix, lambda c: c.update(add_prefix_space=True)),
    "added": variant(added, lambda c: [c.pop(k) for k in list(c) if k.endswith("_token")]),
}
assert from_files() == golden["plain"]
with open(os.path.join(here, "byte_bpe.json"), "w", encoding="utf8") as f:
    json.dump(golden, f, separators=(",", ":"))
print({k: len(v) for k, v in golden.items()})
