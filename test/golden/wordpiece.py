"""Writes wordpiece.json: ids and token types of transformers' AutoTokenizer, for the small vocabulary in wordpiece/.

usage: python3 wordpiece.py > wordpiece.json

Tokenizers: `plain` is the folder as saved; `cased` the same vocabulary without lower-casing; `added` has added tokens. Cases
are [text, pair or null, max length or null, ids, token types]. `digests`: SHA-256 over what the normalizer makes of every
code point, and how the splitter splits there, without those that newer Unicode versions lower otherwise.
"""
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoTokenizer

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "wordpiece")

texts = [
    "", " ", "\t\n\r ", "a", "A", "the dog", "The Dog.", "a small animal with a long tail",
    "Don't stop, it's 3.14!", "e-mail: someone@example.com (http://x.y/z?a=b&c=d#e)", "$1,000.00 + 50% = ~£7 `x` ^y^ <b>|c|</b>",
    "crème brûlée", "cre\u0300me bru\u0302le\u0301e", "CRÈME BRÛLÉE", "Ångström \u212bngstr\u00f6m", "naïve façade smörgåsbord żółć",
    "İstanbul ISTANBUL ıSTANBUL", "Straße STRASSE ẞ", "ﬁne ﬂow ﬃ", "x² y³ ½ ⅷ Ⅷ ①", "ΟΔΥΣΣΕΥΣ", "ΟΔΥΣΣΕΥΣ ΣΠΙΤΙ Σ", "Οδυσσεύς γυρίζει",
    "Привет, Мир! ёЁйЙ", "日本語の文章です。", "東京は日本の首都", "这是一个中文句子，没有空格。", "漢字𠀀x𠮷y", "\U0002b820x\U0002b920y\U0002ceb0z \U0002ebf0",
    "한국어 문장입니다.", "각 \u1100\u1161\u11a8", "مرحبا بالعالم، هذه جملة.", "שָׁלוֹם עולם", "नमस्ते दुनिया", "ไทยภาษา", "ﷺ", "㈱ ｆｕｌｌ ｗｉｄｔｈ １２３",
    "🎉", "party 🎉 time", "👍🏽", "👨‍👩‍👧", "🏳️‍🌈", "a\U0001f600b", "\U0001f9d9\u200d\u2642\ufe0f",
    "a\x00b", "a\x01b\x1fc\x7fd", "a\x85b", "a\u00a0b\u2003c\u3000d", "a\u200bb\u200cc\u200dd\u200ee", "a\ufeffb", "\ufeffbom", "a\u00adb", "a\ufffdb",
    "a\ue000b\U000f0000c", "a\u2028b\u2029c", "line\nbreak\r\nand\ttab\x0bvt\x0cff", "a\u180eb", "a\u061cb", "\u0890\u08e2\u0891", "a\u0897b\u1b4e",
    "\u0300", "a\u0300\u0301\u0323", "q\u0323\u0307 q\u0307\u0323", "\U0001d165\U0001d158", "Z͑ͫ̓ͪ̂ͫ̽a̴̙̤l̞g̰o",
    "\u0378a\U000e0080", "\U000e0001\U000e0041", "a\u2e42\u2e43b\u2e5d", "a\u166db\u05bec", "„quote“ «guillemets» —dash– …dots", "¿que? ¡si!", "°±×÷¬¦§¨©®¶·¸",
    "[CLS] the [MASK] dog [SEP]", "[MASK]", "a[MASK]b", "[mask] [Mask] [ MASK ]", "[UNK][PAD][PAD]", "[CLS", "##ing ##", "[unused1]",
    "a" * 99, "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 60, "日" * 150, "supercalifragilisticexpialidocious", "\U0001f600" * 101,
    "constructor __proto__ toString hasOwnProperty valueOf", "1234567890 12ab34", "a.b.c...d", "....", "a_b_c", "under_score", "\\n \\t \\",
    "the of and in a to " * 40, "one two three, four five six; seven eight nine. " * 5,
    "𝕳𝖊𝖑𝖑𝖔", "𐐀𐐨 Ꭰꭰ", "Ǆ ǅ ǆ ŉ ǰ ΐ", "ſ K Å", "ᾳ ᾼ ῼ", "\u0345\u0399", "Ⓐⓐ", "ա և ԵՒ",
]
pairs = [
    ("", ""), ("a dog", ""), ("", "a dog"), (" ", "\u0300"), ("a dog", "the cat"), ("[CLS] x", "[SEP] y"),
    ("crème", "日本"), ("the of and in a to " * 6, "a"), ("a", "the of and in a to " * 6),
    ("one two three four five six seven", "a small animal with a long tail"),
    ("a small animal", "the of and in a to " * 6), ("a b c d e f g", "h i j k l m n"),
]
lengths = [2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 33]

rng = random.Random(6)
ranges = [(0x20, 0x7E)] * 6 + [(0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF), (0x900, 0xDFF), (0x1E00, 0x1FFF),
          (0x2000, 0x206F), (0x2070, 0x2BFF), (0x2E00, 0x2E7F), (0x3000, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xF900, 0xFFFF),
          (0x10000, 0x10FFF), (0x1D100, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x2FA1F), (0, 0x9F)]
for _ in range(250):
    texts.append("".join(chr(rng.randint(*rng.choice(ranges))) if rng.random() < 0.8 else " " for _ in range(rng.randint(1, 24))))


def cases(tokenizer):
    out = []

    def case(text, pair, n):
        options = {} if n is None else dict(truncation="longest_first", max_length=n)
        # As a batch: a call with one text takes an empty second text for none.
        e = tokenizer([text], None if pair is None else [pair], **options)
        out.append([text, pair, n, e["input_ids"][0], e["token_type_ids"][0]])

    for text in texts:
        case(text, None, None)
    for text in texts[:12] + texts[-5:]:
        for n in (2, 3, 8):
            case(text, None, n)
    for text, pair in pairs:
        case(text, pair, None)
        for n in lengths[1:]:
            case(text, pair, n)
    return out


def variant(change_json, change_config):
    with tempfile.TemporaryDirectory() as there:
        shutil.copytree(folder, there, dirs_exist_ok=True)
        for name, change in (("tokenizer.json", change_json), ("tokenizer_config.json", change_config)):
            path = os.path.join(there, name)
            document = json.load(open(path))
            change(document)
            json.dump(document, open(path, "w"))
        return AutoTokenizer.from_pretrained(there)


def cased(d):
    d["normalizer"]["lowercase"] = False


def cased_config(d):
    d["do_lower_case"] = False


def added(d):
    n = len(d["model"]["vocab"])
    for i, (content, special, normalized) in enumerate([("<ent>", True, False), ("NewTok", False, True), ("straße", False, True), ("a b", False, False)]):
        d["added_tokens"].append(dict(id=n + i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=normalized, special=special))


added_texts = ["<ent>", "x<ent>y <ENT>", "NewTok newtok NEWTOK", "anewtokb", "Straße STRASSE straße", "a b", "a  b aa bb", "A B", "<ENT>", "NewTok<ENT>", "<ent>NewTok[MASK]a b", "new tok"]

digests = {}
skip = [(0x1C80, 0x1C8F), (0xA7C0, 0xA7FF), (0x10D40, 0x10D8F), (0x16EA0, 0x16EFF)]
points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and not any(a <= c <= b for a, b in skip)]
for name, options in {"uncased": dict(lowercase=True), "cased": dict(lowercase=False), "accents": dict(lowercase=False, strip_accents=True)}.items():
    normalizer = BertNormalizer(**options)
    digests[name] = hashlib.sha256("".join(normalizer.normalize_str("a" + chr(c) + "b") for c in points).encode()).hexdigest()
split = BertPreTokenizer()
digests["split"] = hashlib.sha256("".join(str(len(split.pre_tokenize_str("a" + chr(c) + "b"))) for c in points).encode()).hexdigest()

plain = AutoTokenizer.from_pretrained(folder)
other = variant(added, lambda d: None)
json.dump(
    dict(
        skip=skip,
        digests=digests,
        special=[plain.pad_token_id, plain.unk_token_id, plain.cls_token_id, plain.sep_token_id, plain.mask_token_id, len(plain)],
        plain=cases(plain),
        cased=[c for c in cases(variant(cased, cased_config)) if c[1] is None and c[2] is None],
        added=[[t, None, None, other(t)["input_ids"], other(t)["token_type_ids"]] for t in added_texts],
    ),
    sys.stdout,
    ensure_ascii=True,
    separators=(",", ":"),
)
