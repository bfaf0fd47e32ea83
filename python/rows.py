"""The rows of a training as export-training wrote them: texts a line each, tokens end to end, labels in the order of the classes."""
import json
import os

import numpy as np
import torch
from safetensors.numpy import load_file
from tinystill_cache import CacheError


class Rows:
    """The rows of a set as the student reads them, all their tokens end to end."""

    def __init__(self, folder, name, plan):
        self.name, self.folder = name, os.path.join(folder, "data")
        tensors = load_file(os.path.join(self.folder, f"{name}.safetensors"))
        self.ids, self.starts, self.types = tensors["ids"], tensors["starts"], tensors.get("types")
        self.labels, self.targets = tensors.get("labels"), tensors.get("targets")
        self.lengths = np.diff(self.starts)
        self.pad = plan["padId"]

    def __len__(self):
        return len(self.lengths)

    def input(self, rows, model_type, device):
        width = int(self.lengths[rows].max())
        own = {"input_ids": np.full((len(rows), width), self.pad), "attention_mask": np.zeros((len(rows), width), np.int64)}
        if self.types is not None and model_type != "distilbert":
            own["token_type_ids"] = np.zeros((len(rows), width), np.int64)
        for b, row in enumerate(rows):
            at, n = slice(self.starts[row], self.starts[row + 1]), self.lengths[row]
            own["input_ids"][b, :n] = self.ids[at]
            own["attention_mask"][b, :n] = 1
            if "token_type_ids" in own:
                own["token_type_ids"][b, :n] = self.types[at]
        return {name: torch.from_numpy(value).to(device) for name, value in own.items()}

    def wanted(self, rows, device):
        """What their labels say: int64 [B], -100 for none; of sets and numbers float [B, C], NaN for none; null without."""
        own = self.targets if self.labels is None else self.labels
        if own is None:
            return None
        return torch.from_numpy(own[rows] if self.labels is None else own[rows].astype(np.int64)).to(device)

    def texts(self):
        with open(os.path.join(self.folder, f"{self.name}.jsonl"), encoding="utf-8", newline="\n") as file:
            for line in file:
                row = json.loads(line)
                yield row["text"], row.get("text_b")

    def cached(self, cache):
        """The cache's logits of all rows."""
        places = cache.places(self.texts())
        missing = np.flatnonzero(places < 0)
        if len(missing):
            raise CacheError(
                f"data/{self.name}.jsonl:{missing[0] + 1}: {len(missing)} of {len(self)} rows are not in {cache.folder}. Label this file: label.py"
            )
        return cache.logits(places)
