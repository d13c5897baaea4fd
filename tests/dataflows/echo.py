"""Sends on what it gets, with its metadata."""

from dora import Node

node = Node()
for event in node:
    if event["type"] == "INPUT":
        metadata = {key: event["metadata"][key] for key in ("sequence", "name", "ratio", "last")}
        node.send_output("number", event["value"], metadata)
    elif event["type"] == "STOP" and event["id"] == "MANUAL":
        break
print("echo is done")
