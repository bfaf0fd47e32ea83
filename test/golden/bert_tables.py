"""Writes src/text/bert-tables.ts: what Python's tokenizers takes each code point for, asked of it one by one.

usage: python3 bert_tables.py > ../../src/text/bert-tables.ts
"""
from tokenizers import __version__
from tokenizers.normalizers import BertNormalizer, StripAccents
from tokenizers.pre_tokenizers import BertPreTokenizer

OFF = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
clean = BertNormalizer(**{**OFF, "clean_text": True})
chinese = BertNormalizer(**{**OFF, "handle_chinese_chars": True})
accents = BertNormalizer(**{**OFF, "strip_accents": True})
split = BertPreTokenizer()
marks = StripAccents()

sets = {name: [] for name in ["removed", "blank", "chinese", "accent", "space", "punctuation", "mark"]}
for c in range(0x110000):
    if 0xD800 <= c < 0xE000:
        continue
    text = "a" + chr(c) + "b"
    cleaned = clean.normalize_str(text)
    pieces = len(split.pre_tokenize_str(text))
    for name, found in {
        "removed": cleaned == "ab",
        "blank": cleaned == "a b",
        "chinese": chinese.normalize_str(text) != text,
        "accent": accents.normalize_str(text) == "ab",
        "space": pieces == 2,
        "punctuation": pieces == 3,
        "mark": marks.normalize_str(text) == "ab",
    }.items():
        if found:
            sets[name].append(c)

docs = {
    "removed": "Controls, format characters and private use, which clean_text takes out.",
    "blank": "What clean_text makes a space of.",
    "chinese": "What handle_chinese_chars puts spaces around.",
    "accent": "Marks that strip_accents takes out after NFD.",
    "space": "What separates words.",
    "punctuation": "Each a word of its own.",
    "mark": "All marks, as ALBERT's normalizer takes them out.",
}
print(f"// Classes of characters of BERT's tokenizer as tokenizers {__version__} has them: its tables are of an older Unicode than any")
print("// engine's, and engines differ. Made by test/golden/bert_tables.py: code points in hexadecimal, runs as first-last.")
for name, points in sets.items():
    runs = []
    for c in points:
        if runs and runs[-1][1] == c - 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    text = " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in runs)
    print(f"\n/** {docs[name]} */\nexport const {name} =\n  '{text}'")
