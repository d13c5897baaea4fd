"""Says how many numbers came, and whether they came in order."""

from dora import Node

numbers = [event["value"][0].as_py() for event in Node() if event["type"] == "INPUT"]
order = "in order" if numbers == sorted(numbers) else "out of order"
print(f"got {len(numbers)} of 5000 {order}")
