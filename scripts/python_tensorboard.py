"""Prints what TensorBoard reads in a folder of runs: { run: { tag: [[step, value], ...] } }."""
import json
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

root = sys.argv[1]
runs = {}
for folder, _, names in os.walk(root):
    if not any("tfevents" in name for name in names):
        continue
    events = EventAccumulator(folder, size_guidance={"scalars": 0}).Reload()
    runs[os.path.relpath(folder, root)] = {
        tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }
print(json.dumps(runs))
