"""Compares what was sent with what was echoed, and fails when anything is missing, changed or out of order."""

import sys

from dora import Node

node = Node()
seen = {"sent": [], "echoed": []}
closed = []
for event in node:
    kind = event["type"]
    if kind == "INPUT":
        metadata = event["metadata"]
        values = event["value"].to_pylist()
        seen[event["id"]].append((metadata["sequence"], metadata["name"], metadata["ratio"], metadata["last"], values))
    elif kind == "INPUT_CLOSED":
        closed.append(event["id"])
    elif kind == "STOP" and event["id"] == "MANUAL":
        break
print(f"check saw {len(seen['sent'])} sent and {len(seen['echoed'])} echoed, closed: {sorted(closed)}")
expected = [(n, f"n{n}", 0.5, n == 19, [n, n + 1, n + 2]) for n in range(20)]
for name, got in seen.items():
    if got != expected:
        print(f"{name} differs: {got}", file=sys.stderr)
        sys.exit(1)
print("check is content")
