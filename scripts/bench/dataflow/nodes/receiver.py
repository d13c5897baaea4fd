"""Measures what comes, and writes it to the file RESULT as JSON."""

import json
import os
import time

from dora import Node

latencies, burst, first, last, in_order = [], 0, None, None, True
node = Node()
expected = 0
for event in node:
    now = time.monotonic_ns()
    if event["type"] != "INPUT":
        continue
    metadata = event["metadata"]
    if metadata["kind"] == "paced":
        latencies.append(now - metadata["sent"])
    elif metadata["kind"] == "burst":
        first = first or metadata["sent"]
        last = now
        burst += 1
        in_order = in_order and metadata["number"] >= expected
        expected = metadata["number"] + 1

# The first ones still warm up either side.
latencies = sorted(latencies[len(latencies) // 10 :])
result = {"paced": len(latencies), "burst": burst, "in_order": in_order}
if latencies:
    result["p50"] = latencies[len(latencies) // 2] / 1e3
    result["p99"] = latencies[len(latencies) * 99 // 100] / 1e3
if burst:
    result["rate"] = burst / ((last - first) / 1e9)
with open(os.environ["RESULT"], "w") as file:
    json.dump(result, file)
