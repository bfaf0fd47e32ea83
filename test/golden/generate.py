"""Writes generate/, a tiny random GPT-2 with a tokenizer as transformers saves them, and generate.json: what PyTorch makes of them.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 generate.py

greedy: [ids, new tokens asked for, new ids] of generate(do_sample=False), also up to the longest text, 24 tokens; ids that end at
`stop` have [ids, asked for, new ids, stop]. warpers: [logits, settings, ids that stay] of TemperatureLogitsWarper,
TopKLogitsWarper and TopPLogitsWarper in generate's order. texts: [ids, tokenizer.decode(ids, skip_special_tokens=True)], and
encoded: [text, ids]. perplexity: exp of the mean loss of `rows`.
"""
import json
import os
import shutil

import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, GPT2Tokenizer
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

torch.set_num_threads(1)
torch.manual_seed(3)
here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "generate")
shutil.rmtree(folder, ignore_errors=True)

bpe = json.load(open(os.path.join(here, "byte_bpe", "tokenizer.json"), encoding="utf8"))["model"]
special = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"}
own = sorted(set(bpe["vocab"]) - special, key=bpe["vocab"].get)
vocab = {token: i for i, token in enumerate([*own, "<|endoftext|>"])}
GPT2Tokenizer(vocab=vocab, merges=[tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in bpe["merges"]], model_max_length=24).save_pretrained(folder)
END = vocab["<|endoftext|>"]
config = GPT2Config(vocab_size=len(vocab), n_positions=24, n_embd=16, n_layer=2, n_head=2, bos_token_id=END, eos_token_id=END)
model = GPT2LMHeadModel(config).eval()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.randn_like(p) * 0.3 + (p if p.dim() == 1 else 0))
model.save_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)


def greedy(ids, n, **more):
    x = torch.tensor([ids])
    out = model.generate(x, attention_mask=torch.ones_like(x), max_new_tokens=n, do_sample=False, pad_token_id=END, **(dict(eos_token_id=None) | more))
    return out[0, len(ids):].tolist()


cases = []
for length, n in [(1, 20), (3, 12), (7, 1), (9, 14), (20, 5), (24, 1), (5, 20)]:
    ids = torch.randint(0, len(vocab) - 1, (length,)).tolist()
    cases.append([ids, n, greedy(ids, n)])
ids, _, new = cases[1]
stop = new[4]
cases.append([ids, 12, greedy(ids, 12, eos_token_id=stop), stop])

warpers = []
for temperature, top_k, top_p in [(1, None, None), (0.7, 5, None), (1.5, None, 0.9), (1, 8, 0.5), (2, 40, 0.95), (0.3, None, 0.2), (1, 1, None), (1, None, 1e-6), (1, 60, 0.999)]:
    logits = torch.randn(50) * 2
    scores = TemperatureLogitsWarper(float(temperature))(None, logits[None])
    if top_k is not None:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p is not None:
        scores = TopPLogitsWarper(top_p)(None, scores)
    p = scores.softmax(-1)[0].tolist()
    given = {k: v for k, v in dict(temperature=temperature, topK=top_k, topP=top_p).items() if v is not None}
    warpers.append([logits.tolist(), given, p])

sentences = ["the dog barks", " a small animal", "wörld 日本 🐕 don't", "\n\nx  y", "<|endoftext|> end"]
encoded = [[text, tokenizer(text)["input_ids"]] for text in sentences]
texts = [[ids, tokenizer.decode(ids, skip_special_tokens=True)] for _, ids in encoded]
for _ in range(12):  # bytes that are no characters too
    ids = torch.randint(0, len(vocab), (9,)).tolist()
    texts.append([ids, tokenizer.decode(ids, skip_special_tokens=True)])

rows = torch.randint(0, len(vocab), (3, 24))
with torch.no_grad():
    perplexity = model(rows, labels=rows).loss.exp().item()
result = dict(greedy=cases, warpers=warpers, encoded=encoded, texts=texts, rows=rows.tolist(), perplexity=perplexity)
with open(os.path.join(here, "generate.json"), "w", encoding="utf8") as f:
    json.dump(result, f, separators=(",", ":"))
print([len(new) for _, _, new, *_ in cases], [sum(x > 0 for x in p) for _, _, p in warpers])
