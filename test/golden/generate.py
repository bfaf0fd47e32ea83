"""Writes generate/, a tiny random GPT-2 with a tokenizer as transformers saves them, and generate.json: what PyTorch makes of them.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 generate.py

greedy: [ids, new tokens asked for, new ids] of generate(do_sample=False), also up to the longest text, 24 tokens; ids that end at
`stop` have [ids, asked for, new ids, stop]. warpers: [logits, settings, ids that stay] of TemperatureLogitsWarper,
TopKLogitsWarper and TopPLogitsWarper in generate's order. texts: [ids, tokenizer.decode(ids, skip_special_tokens=True)], and
encoded: [text, ids]. perplexity: exp of the mean loss of `rows`. distil: 20 steps of a student of the model's second layer on lessons[step % 2], all of
one length: KL at T 2, cross entropy of the next words, cosine of the last states, weights 5, 2, 1; AdamW, betas .9 and .98, eps 1e-6,
no weight decay, linear with 1 of 20 steps of warm-up to 5e-3, gradient norm 5.
"""
import json
import os
import shutil

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, GPT2Tokenizer, get_linear_schedule_with_warmup
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
student = GPT2LMHeadModel(GPT2Config(**(config.to_dict() | dict(n_layer=1)))).eval()
state = {k.replace("h.1.", "h.0."): v.clone() for k, v in model.state_dict().items() if "h.0." not in k}
student.load_state_dict(state)
lessons = torch.randint(0, len(vocab), (2, 3, 11))
optimizer = torch.optim.AdamW(student.parameters(), lr=5e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0)
schedule = get_linear_schedule_with_warmup(optimizer, 1, 20)
distil = []
for step in range(20):
    x = lessons[step % 2]
    with torch.no_grad():
        t = model(x, output_hidden_states=True)
    s = student(x, output_hidden_states=True)
    flat = lambda z: z.flatten(0, 1)
    soft = F.kl_div(F.log_softmax(flat(s.logits) / 2, -1), F.softmax(flat(t.logits) / 2, -1), reduction="batchmean") * 4
    words = F.cross_entropy(flat(s.logits[:, :-1]), flat(x[:, 1:]))
    hs, ht = flat(s.hidden_states[-1]), flat(t.hidden_states[-1])
    cosine = F.cosine_embedding_loss(hs, ht, torch.ones(len(hs)))
    optimizer.zero_grad()
    (5 * soft + 2 * words + cosine).backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
    optimizer.step()
    schedule.step()
    distil.append(dict(soft=soft.item(), words=words.item(), cosine=cosine.item()))

result = dict(lessons=lessons.tolist(), distil=distil, greedy=cases, warpers=warpers, encoded=encoded, texts=texts, rows=rows.tolist(), perplexity=perplexity)
with open(os.path.join(here, "generate.json"), "w", encoding="utf8") as f:
    json.dump(result, f, separators=(",", ":"))
print([len(new) for _, _, new, *_ in cases], [sum(x > 0 for x in p) for _, _, p in warpers])
