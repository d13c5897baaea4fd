"""Takes what comes, until it is told to stop."""

from dora import Node

for event in Node():
    if event["type"] == "STOP":
        break
