"""Writes words.json: where the words of texts begin among tokens, by transformers.

usage: pip install transformers==5.24.0; python3 words.py

{folder: [[text, second text or null, max length, side at which is cut, places]]}: of [CLS], then of each word, what stands between
spaces, -1 for one that is not there. Where a text that is split before has the same ids as it has as it is, they are the first of
each number of word_ids; else the tokens of the words' first characters, or
of the same word of the tokenizer the sign of a space before that.
"""
import json
import os

import transformers as tr

tr.logging.set_verbosity_error()
here = os.path.dirname(os.path.abspath(__file__))
texts = [
    "", "   ", "a", "the cat sat on the mat.", "don't stop: it's 2020, isn't it?", "  two  spaces   and more ", "line\nbreak\tand tab",
    "unbelievable internationalization of words", "caf\u00e9 na\u00efve \u00dcber stra\u00dfe", "\u6771\u4eac is a city \u65e5\u672c",
    "smile \U0001f600 and \U0001f468\u200d\U0001f469\u200d\U0001f467 family", "x y z 1 22 333", "(brackets) [and] {more} $5.00 #tag @user",
    "no\u00a0break\u2003space", "e\u0301 combined a\u0308", "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645", "w" * 30 + " end", "! ! !",
]
pairs = [("the cat sat", "on the mat today"), ("", "only the second"), ("a long first text of words", "b c")]
cases = [(t, None) for t in texts] + pairs
out = {}
for name in ("tagging/bert", "byte_bpe", "unigram"):
    out[name] = []
    for side in ("right", "left"):
        tok = tr.AutoTokenizer.from_pretrained(os.path.join(here, name), truncation_side=side)
        for text, pair in cases:
            for most in (64, 9, 6):
                kw = dict(truncation=True, max_length=most)
                plain = tok(text, pair, **kw)
                parts = [text] if pair is None else [text, pair]
                words = [p.split() for p in parts]
                full = tok(text, pair)
                places = [0 if plain["input_ids"][0] == tok.cls_token_id else -1]
                for which, (part, own) in enumerate(zip(parts, words)):
                    alone = tok(part, add_special_tokens=False)["input_ids"]
                    # Byte pairs: as behind a space, or as the folder has it.
                    split = tok(own, is_split_into_words=True, add_special_tokens=False) if own else None
                    ids = plain.sequence_ids(0)
                    whole = full.sequence_ids(0)
                    # Of each token that is kept, its number among all pieces of its text.
                    n, kept = whole.count(which), [i for i, s in enumerate(ids) if s == which]
                    skipped = n - len(kept) if side == "left" else 0
                    at = {skipped + k: i for k, i in enumerate(kept)}
                    begun = 0
                    for w, word in enumerate(own):
                        begun = part.index(word, begun)
                        if split is not None and split["input_ids"] == alone:
                            first = split.word_ids(0).index(w) if w in split.word_ids(0) else None
                        else:
                            # Of the first character that has a token, with the sign of the space before it.
                            found = (full.char_to_token(0, begun + i, which) for i in range(len(word)))
                            token = next((t for t in found if t is not None), None)
                            while token is not None and full.word_ids(0)[token - 1] == full.word_ids(0)[token] \
                                    and full.token_to_chars(token - 1) is not None \
                                    and full.token_to_chars(token - 1).end <= begun:
                                token -= 1
                            first = None if token is None else whole[:token].count(which)
                        begun += len(word)
                        places.append(at.get(first, -1))
                out[name].append([text, pair, most, side, places])
with open(os.path.join(here, "words.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
