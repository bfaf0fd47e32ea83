"""The Python half of check:python: loads each folder below DIR with transformers, writes its result and saves it again.

usage: python3 python.py DIR; prints a JSON list of {keys: missing, unexpected and mismatched ones, labels}.
"""
import json
import os
import sys

import torch
import transformers as tr
from safetensors.torch import load_file, save_file

AUTO = {
    "Model": tr.AutoModel,
    "ForSequenceClassification": tr.AutoModelForSequenceClassification,
    "ForMaskedLM": tr.AutoModelForMaskedLM,
    "ForTokenClassification": tr.AutoModelForTokenClassification,
    "LMHeadModel": tr.AutoModelForCausalLM,
}
torch.set_num_threads(1)
tr.utils.logging.set_verbosity_error()
tr.utils.logging.disable_progress_bar()
report = []
for i in range(len(os.listdir(sys.argv[1]))):
    folder = os.path.join(sys.argv[1], str(i))
    name = json.load(open(f"{folder}/config.json"))["architectures"][0]
    auto = AUTO[name[next(name.index(part) for part in ("LMHead", "Model", "For") if part in name) :]]
    model, info = auto.from_pretrained(folder, output_loading_info=True)
    assert type(model).__name__ == name and model.dtype == torch.float32
    given = load_file(f"{folder}/check/in.safetensors")
    inputs = dict(input_ids=given["inputIds"].long(), attention_mask=given["attentionMask"].long())
    if not name.startswith(("Distil", "MPNet", "GPT2", "ModernBert")):
        inputs["token_type_ids"] = given["tokenTypeIds"].long()
    with torch.no_grad():
        result = model.eval()(**inputs)[0]
    save_file({"result": result.contiguous()}, f"{folder}/check/out.safetensors")
    model.save_pretrained(f"{folder}/back")
    keys = [f"{kind} {key}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in info[kind]]
    report.append({"keys": keys, "labels": list(model.config.id2label.values())})
print(json.dumps(report))
