"""Sends 5,000 numbers without a pause."""

import pyarrow as pa
from dora import Node

node = Node()
for number in range(5000):
    node.send_output("number", pa.array([number]))
