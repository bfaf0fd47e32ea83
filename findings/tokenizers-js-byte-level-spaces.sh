#!/usr/bin/env bash
# @huggingface/tokenizers splits a text into words for byte-level BPE (RoBERTa, GPT-2, ModernBERT) by JavaScript's \s, Python's
# tokenizers by Unicode's White_Space. U+FEFF, with which many text files begin, is a space for the first alone, and U+0085 for
# the second alone. So one tokenizer.json gives other ids in JavaScript than the model was trained with, without a word said,
# wherever one of them meets a letter, a sign or, with add_prefix_space, the beginning of a text.
# Seen with @huggingface/tokenizers 0.2.0 (Node 20 and 24) and tokenizers 0.22.2, Python 3.11. Downloads them into a temporary
# folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tokenizers==0.22.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0
cat >see.py <<'PY'
import json
import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers

alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
space, mark = "\u0120", ["\u00ef", "\u00bb", "\u00bf"]  # a space, and the three bytes of U+FEFF, as characters
pieces = alphabet + [mark[0] + mark[1], space + mark[0] + mark[1], space + mark[0], "\u00c2\u0127", space + "\u00c2", space + "\u00c2\u0127"]
merges = [(space, mark[0]), (space + mark[0], mark[1]), (mark[0], mark[1]), (space, "\u00c2"), (space + "\u00c2", "\u0127"), ("\u00c2", "\u0127")]
tokenizer = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
tokenizer.save("tokenizer.json")
texts = ["\ufeffbom", "a \u0085b", "plain text"]
print(json.dumps({"version": tokenizers.__version__, "texts": texts, "ids": [tokenizer.encode(t).ids for t in texts]}))
PY
env/bin/python see.py >python.json
cat >see.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
const { version, texts, ids } = JSON.parse(readFileSync('python.json', 'utf8'))
const tokenizer = new Tokenizer(JSON.parse(readFileSync('tokenizer.json', 'utf8')), {})
console.log(`tokenizers ${version}, @huggingface/tokenizers 0.2.0`)
const same = texts.map((text, i) => {
  const own = tokenizer.encode(text, { add_special_tokens: false }).ids
  const alike = JSON.stringify(own) === JSON.stringify(ids[i])
  console.log(`${JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}: Python [${ids[i]}], JavaScript [${own}]${alike ? '' : ', other ids'}`)
  return alike
})
if (String(same) !== 'false,false,true') throw new Error(`the behaviour has changed: ${same}`)
JS
node see.mjs
