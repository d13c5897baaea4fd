"""Counts ticks and sends the count, until it is told to stop."""

import pyarrow as pa
from dora import Node

node = Node()
count = 0
for event in node:
    if event["type"] == "INPUT":
        count += 1
        node.send_output("number", pa.array([count]))
    elif event["type"] == "STOP":
        print(f"stopped after {count}")
        break
