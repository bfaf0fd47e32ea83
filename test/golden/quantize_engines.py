"""Writes quantize_engines.safetensors: logits of a small BERT as ONNX Runtime's and PyTorch's own dynamic quantization gives them.

usage: pip install torch==2.15.0 transformers==5.24.0 onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2; python3 quantize_engines.py

All texts of a batch have 9 words: ranges are of a batch, and padding would count. weight.<parameter>; ids [8, 9];
float, onnxruntime (quantize_dynamic, weight_type QInt8), onnxruntime-channel (the same with per_channel), torch
(torch.ao.quantization.quantize_dynamic of Linear, fbgemm): logits [8, 3].
"""
import os
import tempfile
import warnings

import onnxruntime as ort
import torch
import transformers as tr
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import save_file

warnings.simplefilter("ignore")
torch.manual_seed(5)
torch.set_num_threads(1)
torch.backends.quantized.engine = "fbgemm"
VOCAB, T = 61, 9
ids = torch.randint(5, VOCAB, (8, T))
config = tr.BertConfig(
    vocab_size=VOCAB, max_position_embeddings=T, attn_implementation="eager", hidden_size=24, num_hidden_layers=2,
    num_attention_heads=3, intermediate_size=40, num_labels=3,
)
model = tr.BertForSequenceClassification(config).eval()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.randn_like(p) * 0.25 + (p if p.dim() == 1 else 0))
golden = {"ids": ids.int()} | {f"weight.{k}": p.detach().clone() for k, p in model.named_parameters()}


class Logits(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits


inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    golden["float"] = model(**inputs).logits
    at = lambda name: os.path.join(folder, name)
    torch.onnx.export(Logits().eval(), tuple(inputs.values()), at("float.onnx"), input_names=list(inputs),
                      output_names=["logits"], dynamo=True, verbose=False)

    def logits_of(file):
        session = ort.InferenceSession(at(file), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run(["logits"], {k: v.numpy() for k, v in inputs.items()})[0])

    assert (logits_of("float.onnx") - golden["float"]).abs().max() < 1e-5
    for name, per_channel in {"onnxruntime": False, "onnxruntime-channel": True}.items():
        quantize_dynamic(at("float.onnx"), at(f"{name}.onnx"), weight_type=QuantType.QInt8, per_channel=per_channel)
        golden[name] = logits_of(f"{name}.onnx")
    quantized = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    golden["torch"] = quantized(**inputs).logits
for name in ("onnxruntime", "onnxruntime-channel", "torch"):
    print(name, "from float:", float((golden[name] - golden["float"]).abs().max()))
save_file(golden, os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantize_engines.safetensors"))
