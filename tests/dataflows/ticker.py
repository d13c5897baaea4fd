"""Sends an Arrow array of its tick's number with every tick, COUNT times."""

import logging
import os

import pyarrow as pa
from dora import Node

node = Node()
count = int(os.environ["COUNT"])
sent = 0
for event in node:
    if event["type"] == "INPUT":
        values = pa.array([sent, sent + 1, sent + 2], type=pa.int64())
        node.send_output("number", values, {"sequence": sent, "name": f"n{sent}", "ratio": 0.5, "last": sent == count - 1})
        sent += 1
        if sent == count:
            break
    elif event["type"] == "STOP":
        break
print(f"ticker sent {sent}")
logging.basicConfig()
logging.warning("ticker is done")
