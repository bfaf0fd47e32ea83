"""Writes albert/, the Unigram tokenizer of unigram/ as ALBERT's with its quotes, accents and lower case, and albert.json: ids and
types of transformers' AutoTokenizer for the texts of wordpiece.json and byte_bpe.json.

usage: pip install transformers==5.24.0; python3 albert.py (after unigram.py)

`cased` keeps accents and case. Cases are [text, pair or null, max length or null, ids].
"""
import base64
import json
import os
import shutil
import tempfile

from transformers import AlbertConfig, AlbertTokenizer, AutoTokenizer

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "albert")
shutil.rmtree(folder, ignore_errors=True)
load = lambda name: json.load(open(os.path.join(here, name), encoding="utf8"))
unigram = load("unigram/tokenizer.json")
pieces = [tuple(piece) for piece in unigram["model"]["vocab"][4:-1]]
steps = unigram["normalizer"]
charsmap = base64.b64decode((steps if steps["type"] == "Precompiled" else steps["normalizers"][0])["precompiled_charsmap"])
vocab = [("<pad>", 0.0), ("<unk>", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[MASK]", 0.0), *pieces]

given = [case[:3] for case in load("wordpiece.json")["plain"]] + [case[:3] for case in load("byte_bpe.json")["plain"][-16:]]
given += [[text, None, None] for text in ["``the'' dog", "\u00c9t\u00e9 na\u00efve", "a [MASK] dog", "\u0130I \u03a3\u0391\u03a3", "\ufb01ne \u2460 \uff21", "a\u0903b\u20dd"]]


def cases(options, there):
    AlbertTokenizer(vocab=vocab, _spm_precompiled_charsmap=charsmap, model_max_length=64, **options).save_pretrained(there)
    AlbertConfig(vocab_size=len(vocab)).save_pretrained(there)
    tokenizer = AutoTokenizer.from_pretrained(there)
    assert type(tokenizer).__name__ == "AlbertTokenizer"
    out = []
    for text, pair, n in given:
        cut = {} if n is None or n < 4 else dict(truncation="longest_first", max_length=n)
        e = tokenizer([text], None if pair is None else [pair], **cut)
        out.append([text, pair, cut.get("max_length"), e["input_ids"][0]])
    t = tokenizer
    return out, [t.pad_token_id, t.unk_token_id, t.cls_token_id, t.sep_token_id, t.mask_token_id, len(t)]


plain, special = cases({}, folder)
os.remove(os.path.join(folder, "config.json"))
with tempfile.TemporaryDirectory() as there:
    cased, _ = cases(dict(do_lower_case=False, keep_accents=True), there)
with open(os.path.join(here, "albert.json"), "w", encoding="utf8") as f:
    json.dump({"special": special, "plain": plain, "cased": cased}, f, separators=(",", ":"))
print(special, len(plain), sum(a[3] != b[3] for a, b in zip(plain, cased)))
