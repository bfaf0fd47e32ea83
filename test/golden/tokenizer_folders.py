"""Writes tokenizer_folders.json: what transformers' AutoTokenizer makes of tokenizer folders as users have them.

usage: python3 tokenizer_folders.py > tokenizer_folders.json

A folder is {name, files, cases}: `files` are the contents by name, vocab.txt as a list of lines, `"$json"` standing for the
document `json` with the folder's `changes`, a list of [path, value], where a value null takes the field away. Cases are [text,
pair or null, max length or null, ids, token types]; types that Python does not give are zeros, as its models take them.
"""
import json
import os
import sys
import tempfile

import transformers
from transformers import AutoTokenizer

transformers.logging.set_verbosity_error()
words = "the a movie film is was good bad great terrible fine dull user url hate this caf ##é cafe < > , . ! ?".split()
vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
vocab += [w for c in map(chr, range(97, 123)) for w in (c, "##" + c) if w not in vocab]
texts = ["<user> hate this <url> movie", "the Café movie <s>", "[CLS] a [MASK] film. <USER>", "这 the movie这film", "", "\u0300"]
pairs = [("the movie is great", "<user> hate this <url>"), ("a bad film", "")]
long = ["the a movie film is was good bad great terrible fine dull", "<user> hate this <url> movie, the Café film"]
BERT = {"model_type": "bert"}
USER = {"content": "<user>", "special": False, "normalized": True, "lstrip": False, "rstrip": False, "single_word": False}
URL = dict(USER, content="<url>", special=True, normalized=False)
OTHERS = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
OTHER = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
DEFAULTS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def config(**fields):
    return {"tokenizer_config.json": fields}


def lines(*more, **kw):
    return {"vocab.txt": [kw.get(w, w) for w in vocab] + list(more)}


def saved(folder):
    """tokenizer.json as transformers writes it of the folder."""
    with tempfile.TemporaryDirectory() as there:
        load(folder).save_pretrained(there)
        return json.load(open(os.path.join(there, "tokenizer.json")))


def changed(changes):
    d = json.loads(json.dumps(document))
    for path, value in changes:
        node = d
        for key in path[:-1]:
            node = node[key]
        if value is None:
            del node[path[-1]]
        else:
            node[path[-1]] = value
    return d


def load(files, changes=()):
    with tempfile.TemporaryDirectory() as there:
        for name, content in files.items():
            with open(os.path.join(there, name), "w") as f:
                if name == "vocab.txt":
                    f.write("".join(line + "\n" for line in content))
                else:
                    json.dump(changed(changes) if content == "$json" else content, f)
        return AutoTokenizer.from_pretrained(there)


def case(tokenizer, text, pair, n):
    options = {} if n is None else dict(truncation="longest_first", max_length=n)
    e = tokenizer([text], None if pair is None else [pair], **options)
    ids = e["input_ids"][0]
    return [text, pair, n, ids, e["token_type_ids"][0] if "token_type_ids" in e else [0] * len(ids)]


def folder(name, files, changes=()):
    files = {"config.json": BERT, **files}
    tokenizer = load(files, changes)
    cases = [case(tokenizer, text, None, None) for text in texts] + [case(tokenizer, a, b, None) for a, b in pairs]
    cases += [case(tokenizer, long[0], None, 6), case(tokenizer, long[1], long[0], 9), case(tokenizer, *long, 12), case(tokenizer, "a", long[1], 8)]
    side, most = tokenizer.truncation_side, tokenizer.model_max_length
    out = dict(name=name, files=files, cases=cases, size=len(tokenizer), side=side, most=most if most < 1e9 else None)
    return dict(out, changes=changes) if changes else out


document = saved({"config.json": BERT, **lines(), "added_tokens.json": {"<user>": 81, "<url>": 82}})
JSON = {"tokenizer.json": "$json"}
n = len(document["added_tokens"])
bare = [[["added_tokens"], document["added_tokens"][:5]]]
cased = [[["normalizer", "lowercase"], False]]
hole = saved({"config.json": BERT, **lines("movie")})["model"]["vocab"]
untyped = {"config.json": {"model_type": "distilbert"}}
folders = [
    folder("vocab.txt alone", lines()),
    folder("added_tokens.json", {**lines(), "added_tokens.json": {"<url>": 82, "<user>": 81}}),
    folder("added_tokens.json of special tokens", {**lines(), "added_tokens.json": {"<user>": 81, "<url>": 82}, **config(additional_special_tokens=["<user>"])}),
    folder("added_tokens_decoder", {**lines(), **config(added_tokens_decoder={"82": URL, "81": USER, "7": dict(USER, content="movie")})}),
    folder("added_tokens_decoder before other files", {**lines(), **config(added_tokens_decoder={"81": USER}), "added_tokens.json": {"<s>": 82}, "special_tokens_map.json": {"additional_special_tokens": ["<url>"]}}),
    folder("additional_special_tokens", {**lines(), **config(additional_special_tokens=["<user>", "movie"])}),
    folder("additional_special_tokens as objects", {**lines(), **config(additional_special_tokens=[dict(USER, __type="AddedToken")])}),
    folder("additional_special_tokens in special_tokens_map.json", {**lines(), "special_tokens_map.json": {"additional_special_tokens": ["<user>", "movie"]}}),
    folder("extra_special_tokens", {**lines(), **config(extra_special_tokens=["<url>", "<user>"])}),
    folder("extra_special_tokens by name", {**lines(), **config(extra_special_tokens={"user_token": "<user>"})}),
    folder("a token of the model's own", {**lines(), **config(user_token="<user>")}),
    folder("bos_token", {**lines(), **config(bos_token="<s>", eos_token=None)}),
    folder("roles in tokenizer_config.json", {"vocab.txt": OTHERS + vocab[5:], **config(**OTHER)}),
    folder("roles in special_tokens_map.json", {"vocab.txt": OTHERS + vocab[5:], "special_tokens_map.json": {k: {"content": v, "lstrip": False} for k, v in OTHER.items()}}),
    folder("a role that is only added", {"vocab.txt": [w for w in vocab if w != "[CLS]"], "added_tokens.json": {"[CLS]": 80}}),
    folder("tokenizer.json", JSON),
    folder("tokenizer.json and added_tokens.json", {**JSON, "added_tokens.json": {"<user>": 81, "<url>": 82}}, bare),
    folder("tokenizer.json and added_tokens_decoder", {**JSON, **config(added_tokens_decoder={"81": URL, "82": dict(URL, content="<user>")})}, bare),
    folder("tokenizer.json and additional_special_tokens", {**JSON, **config(additional_special_tokens=["<s>"], bos_token="bad")}),
    folder("tokenizer.json that adds no role", JSON, [[["added_tokens"], []]]),
    folder("a token twice", lines("movie", "film")),
    folder("a token twice, in tokenizer.json", JSON, [[["model", "vocab"], hole], *bare]),
    folder("spaces behind tokens and an empty line", {"vocab.txt": [w + " \u3000" if w == "movie" else w for w in vocab] + ["", "film\t"]}),
    folder("strip_accents false", {**lines(), **config(strip_accents=False)}),
    folder("tokenize_chinese_chars false", {**lines(), **config(tokenize_chinese_chars=False)}),
    folder("cased with accents stripped", {**lines(), **config(do_lower_case=False, strip_accents=True)}),
    folder("cased by both files", {**JSON, **config(do_lower_case=False)}, cased),
    folder("cased by a class that goes by tokenizer.json", {**JSON, **config(tokenizer_class="PreTrainedTokenizerFast", do_lower_case=True, model_input_names=["input_ids", "token_type_ids", "attention_mask"], **DEFAULTS)}, cased),
    folder("ElectraTokenizer", {**lines(), **config(tokenizer_class="ElectraTokenizer")}),
    folder("BertTokenizerFast in config.json", {**lines(), "config.json": dict(BERT, tokenizer_class="BertTokenizerFast")}),
    folder("DistilBertTokenizer", {**lines(), **config(tokenizer_class="DistilBertTokenizer")}),
    folder("TokenizersBackend", {**JSON, **config(tokenizer_class="TokenizersBackend", **DEFAULTS)}),
    folder("model_input_names without types", {**JSON, **config(model_input_names=["input_ids", "attention_mask"])}),
    folder("truncation_side left", {**lines(), **config(truncation_side="left", model_max_length=16)}),
    folder("truncation_side left in tokenizer.json", JSON, [[["truncation"], {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0}]]),
    folder("truncation_side right before tokenizer.json's", {**JSON, **config(truncation_side="right", max_len=32)}, [[["truncation"], {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0}]]),
    folder("no model_max_length", {**lines(), **config(model_max_length=10**30)}),
]
json.dump(dict(vocab=vocab, json=document, folders=folders), sys.stdout, ensure_ascii=True, separators=(",", ":"))
