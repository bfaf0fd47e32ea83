"""Writes bert/model.safetensors and bert/golden.safetensors: a tiny random BERT classifier, and what PyTorch makes of it.

usage: pip install torch==2.15.0 transformers==5.23.0; python3 bert.py

golden: in.* (input_ids, attention_mask, token_type_ids, labels), out.logits, out.hidden.0..L (0: embeddings), out.loss,
grad.<parameter>, train.losses, train.grad_norms (before clipping), train.final_logits of 20 AdamW steps on the same batch:
lr 2e-3, betas 0.9 and 0.98, eps 1e-8, weight decay 0.05 on every parameter, 5 steps of warm-up starting at 1/5 and then
linear to 0, gradient norm 1, dropout 0.
"""
import os

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

torch.manual_seed(1)
torch.set_num_threads(1)
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bert")
config = BertConfig(
    vocab_size=61, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
    max_position_embeddings=12, type_vocab_size=2, num_labels=3, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, attn_implementation="eager",
)
model = BertForSequenceClassification(config)
with torch.no_grad():  # larger than BERT's 0.02, and no bias of 0: every term must show
    for p in model.parameters():
        p.copy_(torch.randn_like(p) * 0.3 + (p if p.dim() == 1 else 0))
save_file({k: v.contiguous() for k, v in model.named_parameters()}, f"{here}/model.safetensors")

B, T = 4, 9
mask = torch.tensor([[1] * n + [0] * (T - n) for n in (9, 6, 3, 1)])
ids = torch.randint(1, 61, (B, T)) * mask
types = (torch.arange(T) >= 4).long().expand(B, T) * mask
labels = torch.tensor([2, 0, 1, 1])
inputs = dict(input_ids=ids, attention_mask=mask, token_type_ids=types, labels=labels)

out = model(**inputs, output_hidden_states=True)
out.loss.backward()
golden = {f"in.{k}": v.int() for k, v in inputs.items()}
golden |= {"out.logits": out.logits, "out.loss": out.loss}
golden |= {f"out.hidden.{i}": h for i, h in enumerate(out.hidden_states)}
golden |= {f"grad.{k}": p.grad.clone() for k, p in model.named_parameters()}

optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.05)
factor = lambda t: min(1, (t + 1) / 5) * max(0, (20 - t) / 20)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
losses, norms = [], []
for _ in range(20):
    optimizer.zero_grad()
    loss = model(**inputs).loss
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
    optimizer.step()
    schedule.step()
    losses.append(loss.detach())
golden |= {"train.losses": torch.stack(losses), "train.grad_norms": torch.stack(norms), "train.final_logits": model(**inputs).logits}
save_file({k: v.detach().contiguous() for k, v in golden.items()}, f"{here}/golden.safetensors")
