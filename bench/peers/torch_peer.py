"""PyTorch's side of bench:step and bench:peers: transformers' BERT and GPT-2. usage: torch_peer.py WORK, as measure.mjs tells it."""
import json
import resource
import sys
import time

import torch


def bert_of(shape, vocabulary):
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(BertConfig(
        vocab_size=vocabulary, hidden_size=shape["width"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], intermediate_size=shape["inner"], max_position_embeddings=512,
    ))


def matmul():
    a, b = torch.randn(work["m"], work["k"]), torch.randn(work["k"], work["n"])
    return lambda: a @ b


def texts():
    ids = torch.randint(1, work["vocabulary"], (work["batch"], work["tokens"]))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


class BiLstm(torch.nn.Module):
    def __init__(self, shape, vocabulary):
        super().__init__()
        E, C = shape["embedding"], shape["width"]
        self.words = torch.nn.Embedding(vocabulary, E, padding_idx=0)
        self.lstm = torch.nn.LSTM(E, C // 2, batch_first=True, bidirectional=True)
        self.dense, self.drop = torch.nn.Linear(C, shape["inner"]), torch.nn.Dropout(0.1)
        self.classifier = torch.nn.Linear(shape["inner"], 2)

    def forward(self, input_ids, attention_mask, labels):
        _, (last, _) = self.lstm(self.words(input_ids))
        logits = self.classifier(self.drop(self.dense(torch.cat([last[0], last[1]], 1)).relu()))
        return type("Out", (), {"loss": torch.nn.functional.cross_entropy(logits, labels)})


def step(model=bert_of):
    model = model(work["shape"], work["vocabulary"]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    inputs, labels = texts(), torch.arange(work["batch"]) % 2

    def run():
        model(**inputs, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return run


def bilstm():
    return step(BiLstm)


def forward():
    model, inputs = bert_of(work["shape"], work["vocabulary"]).eval(), texts()

    def run():
        with torch.no_grad():
            model(**inputs)

    return run


def int8():
    import warnings

    warnings.simplefilter("ignore")
    model, inputs = bert_of(work["shape"], work["vocabulary"]).eval(), texts()
    model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def run():
        with torch.no_grad():
            model(**inputs)

    return run


def conv():
    b, c, s, f = (work[name] for name in ("batch", "channels", "size", "filters"))
    inputs = [torch.randn(shape, requires_grad=True) for shape in ((b, c, s, s), (f, c, 3, 3), (f,))]
    gradient = torch.randn(b, f, s, s)

    def run(forward=work.get("pass") == "forward"):
        with torch.set_grad_enabled(not forward):
            y = torch.nn.functional.conv2d(*inputs, padding=1)
            return y if forward else torch.autograd.grad(y, inputs, gradient)

    return run


def lstm():
    layer = torch.nn.LSTM(work["width"], work["width"])
    x = torch.randn(work["steps"], work["batch"], work["width"], requires_grad=True)
    inputs = [x, *layer.parameters()]
    return lambda: torch.autograd.grad(layer(x)[0].sum(), inputs)


def generate():
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = work["shape"]
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=work["vocabulary"], n_embd=shape["width"], n_layer=shape["layers"], n_head=shape["heads"],
        n_inner=shape["inner"],
    )).eval()
    ids = torch.randint(0, work["vocabulary"], (1, work["prompt"]))
    options = dict(attention_mask=torch.ones_like(ids), do_sample=False, eos_token_id=None, pad_token_id=0)
    return lambda: model.generate(ids, min_new_tokens=work["tokens"], max_new_tokens=work["tokens"], **options)


def timed(run):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def main():
    torch.set_num_threads(work["threads"])
    torch.manual_seed(0)
    kinds = {"matmul": matmul, "step": step, "bilstm": bilstm, "forward": forward, "int8": int8, "conv": conv, "lstm": lstm, "generate": generate}
    run = kinds[work["what"]]()
    # As measure.mjs: warm up for 1.5 s, then at least 5 calls and 1.5 s.
    warm, calls, ms = 0.0, 0, []
    while calls < 2 or warm < 1500:
        warm += timed(run)
        calls += 1
    while len(ms) < 5 or (sum(ms) < 1500 and len(ms) < 200):
        ms.append(timed(run))
    print(json.dumps({"ms": ms, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    work = json.loads(sys.argv[1])
    main()
