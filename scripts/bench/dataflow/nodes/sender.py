"""Sends COUNT messages of SIZE bytes, PACE seconds apart, then BURST of them as fast as it can."""

import os
import time

import numpy as np
import pyarrow as pa
from dora import Node

size, count, burst = (int(os.environ[name]) for name in ("SIZE", "COUNT", "BURST"))
pace = float(os.environ["PACE"])
values = pa.array(np.zeros(size, dtype=np.uint8))
node = Node()
# dora-rs decides within half a second which way an output takes, and the receiver imports Arrow with its first message.
time.sleep(1.0)
node.send_output("data", values, {"kind": "first", "sent": time.monotonic_ns()})
time.sleep(1.5)
for number in range(count):
    node.send_output("data", values, {"kind": "paced", "sent": time.monotonic_ns()})
    time.sleep(pace)
time.sleep(0.5)
for number in range(burst):
    node.send_output("data", values, {"kind": "burst", "sent": time.monotonic_ns(), "number": number})
# What is still on its way must not be lost because the sender has gone.
time.sleep(1.0)
