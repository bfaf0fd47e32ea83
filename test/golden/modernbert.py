"""Writes modernbert/, a small tokenizer with ModernBERT's pipeline, and modernbert.json: ids of transformers' AutoTokenizer for
the texts of wordpiece.json.

usage: pip install transformers==5.24.0; python3 modernbert.py

Byte-level BPE without a space in front, behind NFC; [CLS] A [SEP]; runs of spaces, and names of what was taken out of texts, are
added tokens that a normalized text is searched for; the mask takes the spaces on its left. Cases are [text, pair or null, max
length or null, ids].
"""
import json
import os
import shutil

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, ModernBertConfig, PreTrainedTokenizerFast

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "modernbert")
shutil.rmtree(folder, ignore_errors=True)
given = [case[:3] for case in json.load(open(os.path.join(here, "wordpiece.json"), encoding="utf8"))["plain"]]
more = ["a [MASK] b", "a[MASK]b", "  [MASK]", "x  y   z    w", "\n\n  a\n \tb", "[CLS]x[SEP]", "e\u0301 \u00e9 o\u0302\u0323", "\u1100\u1161\u11a8",
        "mail |||EMAIL_ADDRESS||| to", "\u212b \u00c5 A\u030a", "a\u00a0 \u3000 b", "don't we'll", "[PAD][UNK]  [unused0]", "   ", "  a"]

tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
texts = sorted({text for text, _, _ in given} | set(more)) * 2
trainer = trainers.BpeTrainer(vocab_size=600, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["|||IP_ADDRESS|||", "<|padding|>"])
tokenizer.train_from_iterator(texts, trainer)
tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
tokenizer.add_tokens([AddedToken(f"|||{name}|||", normalized=True) for name in ("EMAIL_ADDRESS", "PHONE_NUMBER")] + [AddedToken("o\u0302\u0323", normalized=True)])
tokenizer.add_special_tokens(["<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True)])
tokenizer.add_tokens([AddedToken(f"[unused{i}]", normalized=True) for i in range(2)])
ids = {name: tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]")}
tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=list(ids.items()))
roles = {f"{role}_token": f"[{role.upper()}]" for role in ("unk", "cls", "sep", "pad", "mask")}
PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles, model_max_length=64, model_input_names=["input_ids", "attention_mask"]).save_pretrained(folder)
ModernBertConfig(vocab_size=tokenizer.get_vocab_size(), pad_token_id=tokenizer.token_to_id("[PAD]")).save_pretrained(folder)
t = AutoTokenizer.from_pretrained(folder)
os.remove(os.path.join(folder, "config.json"))

cases = []
for text, pair, n in given + [[text, None, None] for text in more]:
    options = {} if n is None or n < 4 else dict(truncation="longest_first", max_length=n)
    e = t([text], None if pair is None else [pair], **options)
    cases.append([text, pair, options.get("max_length"), e["input_ids"][0]])
special = [t.pad_token_id, t.unk_token_id, t.cls_token_id, t.sep_token_id, t.mask_token_id, len(t)]
with open(os.path.join(here, "modernbert.json"), "w", encoding="utf8") as f:
    json.dump({"special": special, "cases": cases}, f, separators=(",", ":"))
print(type(t).__name__, special, len(cases), list(e))
