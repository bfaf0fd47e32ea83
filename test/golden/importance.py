"""Writes importance.json: what heads, neurons, layers and hidden dimensions of family/*-classify are worth, by PyTorch.

usage: pip install torch==2.15.0 transformers==5.24.0; python3 importance.py

In float64, of two batches, texts 0 and 1 and texts 2 and 3, without padding, one text at a time. michel: Michel et al. 2019,
mean over texts of |sum over words of ctx_h . dL/dctx_h|; michel-code: the words' sizes, the last layer divided by texts, others by
words; gradient: |gradient of a switch that multiplies ctx_h|, a batch's sum, mean over batches. neurons: |sum W1 dW1 + b1 db1| +
|sum W2 dW2|, width and pooled: |sum w dw| of a batch in every matrix that they are rows or columns of, means over batches.
layers: mean over texts of |sum (y - x) . dL/dy|. Nothing is divided by a layer's length.
"""
import json
import os

import torch
import transformers as tr
from safetensors.torch import load_file

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
out = {}
for case in ["bert-classify", "distilbert-classify"]:
    folder = f"{here}/family/{case}"
    model = tr.AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").double().eval()
    bert = case.startswith("bert")
    c = model.config
    H = c.num_attention_heads if bert else c.n_heads
    C = c.hidden_size if bert else c.dim
    layers = model.bert.encoder.layer if bert else model.distilbert.transformer.layer
    part = lambda layer: dict(
        q=layer.attention.self.query if bert else layer.attention.q_lin,
        k=layer.attention.self.key if bert else layer.attention.k_lin,
        v=layer.attention.self.value if bert else layer.attention.v_lin,
        out=layer.attention.output.dense if bert else layer.attention.out_lin,
        up=layer.intermediate.dense if bert else layer.ffn.lin1,
        down=layer.output.dense if bert else layer.ffn.lin2,
        norms=[layer.attention.output.LayerNorm, layer.output.LayerNorm] if bert else [layer.sa_layer_norm, layer.output_layer_norm],
    )
    parts = [part(layer) for layer in layers]
    golden = load_file(f"{folder}/golden.safetensors")
    ids, mask, labels = (golden[f"in.{n}"] for n in ["input_ids", "attention_mask", "labels"])
    types = golden.get("in.token_type_ids")
    seen = {}
    switches = [torch.ones(H, dtype=torch.float64, requires_grad=True) for _ in layers]

    def context(i):
        def hook(_, args):
            x = args[0] * switches[i].repeat_interleave(C // H)
            x.retain_grad()
            seen[f"ctx.{i}"] = x
            return (x,)
        return hook

    def block(i):
        def hook(_, args, y):
            got = y[0] if isinstance(y, tuple) else y
            got.retain_grad()
            seen[f"in.{i}"], seen[f"out.{i}"] = args[0], got
        return hook

    for i, (layer, p) in enumerate(zip(layers, parts)):
        p["out"].register_forward_pre_hook(context(i))
        layer.register_forward_hook(block(i))

    L = len(layers)
    zeros = lambda *n: torch.zeros(*n, dtype=torch.float64)
    michel, code, gradient, neurons = zeros(L, H), zeros(L, H), zeros(L, H), zeros(L, parts[0]["up"].weight.shape[0])
    whole, width, pooled = zeros(L), zeros(C), zeros(C)
    words = 0
    for batch in [[0, 1], [2, 3]]:
        model.zero_grad()
        for s in switches:
            s.grad = None
        for b in batch:
            n = int(mask[b].sum())
            words += n
            given = dict(input_ids=ids[b : b + 1, :n].long())
            if types is not None:
                given["token_type_ids"] = types[b : b + 1, :n].long()
            loss = torch.nn.functional.cross_entropy(model(**given).logits, labels[b : b + 1].long())
            loss.backward()
            for i in range(L):
                x = seen[f"ctx.{i}"]
                products = (x * x.grad)[0].reshape(n, H, C // H).sum(-1)
                michel[i] += products.sum(0).abs()
                code[i] += products.abs().sum(0)
                a, y = seen[f"in.{i}"], seen[f"out.{i}"]
                whole[i] += ((y - a) * y.grad).sum().abs()
        for i, s in enumerate(switches):
            gradient[i] += s.grad.abs()
        wg = lambda t: t.detach() * t.grad
        for i, p in enumerate(parts):
            up, down = p["up"], p["down"]
            neurons[i] += (wg(up.weight).sum(1) + wg(up.bias)).abs() + wg(down.weight).sum(0).abs()
        base = model.bert if bert else model.distilbert
        e = base.embeddings
        tables = [e.word_embeddings, e.position_embeddings] + ([e.token_type_embeddings] if bert else [])
        into = [p[n] for p in parts for n in ["q", "k", "v", "up"]]
        back = [p[n] for p in parts for n in ["out", "down"]]
        norms = [e.LayerNorm] + [n for p in parts for n in p["norms"]]
        pooler = base.pooler.dense if bert else model.pre_classifier
        for m in tables + into + [pooler]:
            width += wg(m.weight).sum(0).abs()
        for m in back:
            width += wg(m.weight).sum(1).abs() + wg(m.bias).abs()
        for m in norms:
            width += wg(m.weight).abs() + wg(m.bias).abs()
        pooled += wg(pooler.weight).sum(1).abs() + wg(model.classifier.weight).sum(0).abs()
    code[:-1] /= words
    code[-1] /= 4
    out[case] = dict(
        michel=(michel / 4).tolist(),
        **{"michel-code": code.tolist()},
        gradient=(gradient / 2).tolist(),
        neurons=(neurons / 2).tolist(),
        layers=(whole / 4).tolist(),
        width=(width / 2).tolist(),
        pooled=(pooled / 2).tolist(),
    )
with open(f"{here}/importance.json", "w") as f:
    json.dump(out, f)
    f.write("\n")
