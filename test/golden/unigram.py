"""Writes unigram/, a small Unigram tokenizer as XLM-R's with a table of characters, and unigram.json: ids of transformers'
AutoTokenizer for the texts of wordpiece.json and byte_bpe.json.

usage: pip install transformers==5.24.0 sentencepiece==0.2.3; python3 unigram.py

Tokenizers: `plain` is the folder as saved; `first` leaves spaces in and puts one before the text alone, as written in
tokenizer.json; `added` has tokens that take the spaces beside them. Cases are [text, pair or null, max length or null, ids].
"""
import json
import os
import shutil
import tempfile

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaTokenizer

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "unigram")
shutil.rmtree(folder, ignore_errors=True)
read = lambda name: json.load(open(os.path.join(here, name), encoding="utf8"))["plain"]
given = [case[:3] for case in read("wordpiece.json")] + [case[:3] for case in read("byte_bpe.json")[-16:]]
given += [["\u65e5\u672c\u8a9e x \u6771\u4eac", None, None], ["\u2581a\u2581\u2581b", None, None], ["e\u0301e\u0301x a\u0301", None, None], ["\uff21\uff22 \ufb01ne \u2460\u2461", None, None]]
# Learnt from Latin letters alone: the others are unknown.
words = [line for line in open(os.path.join(here, "wordpiece", "vocab.txt"), encoding="utf8").read().split("\n") if line.isalpha() and len(line) > 1]
plain = sorted({text for text, _, _ in given if all(ord(c) < 0x180 for c in text)}) + [" ".join(words[i::9]) for i in range(99)]

rules = {"\uff21": "A", "\uff22": "B", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\u00b2": "2", "\u00bd": "1\u20442", "\u2460": "1", "e\u0301": "\u00e9",
         "e\u0300": "\u00e8", "\u3000": " ", "\u00a0": " ", "\u2003": " ", "\u200b": " ", "\t": " ", "\n": " ", "\u00ad": "", "\x01": "", "\u2122": "TM", "\ufdfa": "\u0635\u0644\u0649"}
with tempfile.TemporaryDirectory() as raw:
    code = lambda text: " ".join(f"{ord(c):X}" for c in text)
    with open(f"{raw}/rules.tsv", "w") as f:
        f.writelines(f"{code(a)}\t{code(b)}\n" for a, b in rules.items())
    with open(f"{raw}/texts.txt", "w", encoding="utf8") as f:
        f.writelines(text.replace("\n", " ").replace("\r", " ").replace("\0", " ") + "\n" for text in plain * 3)
    spm.SentencePieceTrainer.train(input=f"{raw}/texts.txt", model_prefix=f"{raw}/m", vocab_size=400, hard_vocab_limit=False, character_coverage=0.99,
                                   normalization_rule_tsv=f"{raw}/rules.tsv", minloglevel=2, num_threads=1)
    model = pb.ModelProto()
    model.ParseFromString(open(f"{raw}/m.model", "rb").read())
# Fairseq's order.
vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(p.piece, p.score) for p in model.pieces[3:]] + [("<mask>", 0.0)]
tokenizer = XLMRobertaTokenizer(vocab=vocab, _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap, model_max_length=64)
tokenizer.save_pretrained(folder)


def cases(tokenizer):
    out = []
    for text, pair, n in given:
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
        XLMRobertaConfig().save_pretrained(there)
        return cases(AutoTokenizer.from_pretrained(there))


def first(document):
    one = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    document["normalizer"] = {"type": "Sequence", "normalizers": [document["normalizer"], one]}
    document["pre_tokenizer"] = document["pre_tokenizer"]["pretokenizers"][1] | {"prepend_scheme": "first"}


def added(document):
    for token in document["added_tokens"]:
        token["lstrip"] = token["content"] == "<mask>"
    n = len(document["model"]["vocab"])
    for i, (content, sides) in enumerate([("new_tok", {}), ("right", {"rstrip": True}), ("\ufb01x", {"lstrip": True})]):
        token = dict(id=n + i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=i > 0, special=False)
        document["added_tokens"].append(token | sides)


names = [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id]
golden = {
    "special": names + [len(tokenizer)],
    "plain": variant(lambda d: None, lambda c: None),
    "first": variant(first, lambda c: c.update(tokenizer_class="PreTrainedTokenizerFast")),
    "added": variant(added, lambda c: None),
}
with open(os.path.join(here, "unigram.json"), "w", encoding="utf8") as f:
    json.dump(golden, f, separators=(",", ":"))
print({k: len(v) for k, v in golden.items()})
