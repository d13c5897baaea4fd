"""Says when it is ready, by a file named for it, and then waits to be stopped."""

import os
import pathlib
import time

from dora import Node

node = Node()
moment = time.monotonic_ns()
place = pathlib.Path(os.environ["READY"])
# Renamed when it is whole, so that nobody reads half of it.
(place / f".{os.getpid()}").write_text(str(moment))
(place / f".{os.getpid()}").rename(place / str(os.getpid()))
for event in node:
    if event["type"] == "STOP":
        break
