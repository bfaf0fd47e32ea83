"""Writes an event file by TensorBoard's own protobuf classes and record writer, to which ours is held byte for byte.
Run: python test/golden/tfevents.py (tensorboard 2.21)"""
import json
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

# wall time, step, values by tag
scalars = [
    (1764370345.25, 1, {"train/loss": 0.6931471824645996, "train/lr": 3e-5}),
    (1764370345.5, 2, {"train/loss": 0.0}),
    (1764370346.125, 300, {"dev/Genauigkeit ä 東京": -1.5}),
    (1764370347.0, 2**31, {"train/loss": 1e38}),
    (0.0, 0, {"x": 3.0}),
    (1764370348.0, 2**40 + 5, {f"train/terms/{i}": i / 7 for i in range(20)}),
]
restart = (1764370349.0, 130)

folder = pathlib.Path(__file__).parent / "tfevents"
with open(folder / "events.out.tfevents.golden", "wb") as file:
    writer = RecordWriter(file)
    writer.write(Event(wall_time=1764370345.0, file_version="brain.Event:2").SerializeToString())
    for wall, step, values in scalars:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=x) for tag, x in values.items()])
        writer.write(Event(wall_time=wall, step=step, summary=summary).SerializeToString())
    log = SessionLog(status=SessionLog.START)
    writer.write(Event(wall_time=restart[0], step=restart[1], session_log=log).SerializeToString())
(folder / "events.json").write_text(
    json.dumps({"start": 1764370345.0, "scalars": scalars, "restart": restart}, ensure_ascii=False, indent=1) + "\n"
)
