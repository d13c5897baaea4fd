"""Our runtime and that of dora-rs, driven alike."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from websocket import Control

HERE = pathlib.Path(__file__).resolve().parent
NODES = HERE / "nodes"
# Nothing that is measured takes so long unless it hangs.
PATIENCE = 180


class Failed(Exception):
    """One side did not do what was to be measured."""


class Contestant:
    def __init__(self, name, program, venv, pool):
        self.name, self.program, self.venv, self.pool = name, str(program), venv, pool

    @contextlib.contextmanager
    def place(self, **variables):
        """A directory with the nodes, and the environment of a run in it. dora-rs leaves things beside the file."""
        with tempfile.TemporaryDirectory() as home:
            shutil.copytree(NODES, home, dirs_exist_ok=True)
            environment = os.environ | {name: str(value) for name, value in variables.items()}
            environment |= {
                "HOME": home,
                "DORA_HOME": f"{home}/home",
                "VIRTUAL_ENV": str(self.venv),
                "PATH": f"{self.venv}/bin:{os.environ['PATH']}",
                # Large messages take the same room on both sides; dora-rs's own default of 8 MB is its cliff.
                "DORA_NODE_SHM_POOL_SIZE": str(self.pool),
            }
            yield pathlib.Path(home), environment

    def begin(self, words, home, environment):
        return subprocess.Popen(
            [self.program, *words], cwd=home, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )

    def finish(self, process, patience=PATIENCE):
        """Waits for the end of a process that must end well."""
        try:
            out, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"hung: {kill(process)[-500:]}") from None
        if process.returncode != 0:
            raise Failed(f"exit code {process.returncode}: {out[-500:]}")
        return out

    def pair(self, size, count, burst, pace):
        """One sender and one receiver of stock nodes; what the receiver measured."""
        with self.place(SIZE=size, COUNT=count, BURST=burst, PACE=pace) as (home, environment):
            environment["RESULT"] = str(home / "result.json")
            self.finish(self.begin(["run", "pair.yml", *self.way(size)], home, environment))
            if not (home / "result.json").exists():
                raise Failed("the receiver wrote no result")
            return json.loads((home / "result.json").read_text())

    def way(self, _size):
        """What says which way messages of a size take."""
        return []

    def life(self):
        """Milliseconds until all of five stock nodes are ready, and from ctrl-c until all are gone."""
        with self.place() as (home, environment):
            ready = home / "ready"
            ready.mkdir()
            environment["READY"] = str(ready)
            began = time.monotonic_ns()
            process = self.begin(["run", "five.yml"], home, environment)
            deadline = time.monotonic() + 60
            while len(said := [one for one in ready.iterdir() if not one.name.startswith(".")]) < 5:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Failed(f"{len(said)} of 5 nodes were ready: {kill(process)[-500:]}")
                time.sleep(0.005)
            started = max(int(one.read_text()) for one in said) - began
            time.sleep(0.5)
            began = time.monotonic_ns()
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                kill(process)
                raise Failed("it did not end on ctrl-c") from None
            while any(pathlib.Path(f"/proc/{one.name}").exists() for one in said):
                if time.monotonic_ns() - began > 60e9:
                    raise Failed("a node outlived its runtime")
                time.sleep(0.002)
            return {"start": started / 1e6, "stop": (time.monotonic_ns() - began) / 1e6}

    @contextlib.contextmanager
    def background(self):
        """One dataflow in the background, and how to ask for it: the words of a whole process, and the port."""
        with self.place() as (home, environment):
            (home / "ready").mkdir()
            environment |= {"READY": str(home / "ready"), "DORA_COORDINATOR_PORT": str(free_port())}
            with self.up(home, environment):
                self.finish(self.begin([*self.START, "five.yml", "--detach"], home, environment), 60)
                yield home, environment

    def lists(self, asked, home, environment):
        """Milliseconds that a list takes: as a whole process, and on a connection that is held."""
        began = time.monotonic_ns()
        out = self.finish(self.begin(self.LIST, home, environment), 30)
        process = (time.monotonic_ns() - began) / 1e6
        if "five" not in out.lower() and "running" not in out.lower():
            raise Failed(f"the list shows no dataflow: {out[-500:]}")
        held = []
        for _ in range(50):
            began = time.monotonic_ns()
            asked.ask("List")
            held.append((time.monotonic_ns() - began) / 1e6)
        return {"process": process, "held": statistics.median(held)}


class Ours(Contestant):
    START = ["dataflow", "start"]
    LIST = ["dataflow", "list"]

    def way(self, size):
        # Of messages from this size on it learns in the first run that the direct way is better; each run here is a
        # first one.
        return ["--path", "direct"] if size >= 256 * 1024 else []

    @contextlib.contextmanager
    def up(self, home, environment):
        try:
            yield
        finally:
            self.begin(["daemon", "stop"], home, environment).communicate(timeout=60)


class Dora(Contestant):
    START = ["start"]
    LIST = ["list"]

    @contextlib.contextmanager
    def up(self, home, environment):
        """Coordinator and daemon one by one: `dora up` knows only ports that others may have."""
        port = environment["DORA_COORDINATOR_PORT"]
        local = str(free_port())
        words = [
            ["coordinator", "--interface", "127.0.0.1", "--port", port, "--store", "memory", "--quiet"],
            ["daemon", "--coordinator-addr", "127.0.0.1", "--coordinator-port", port, "--local-listen-port", local],
        ]
        started = []
        try:
            for some in words:
                # Into a file: a pipe that nobody reads would fill.
                with open(home / "background.log", "a") as log:
                    started.append(
                        subprocess.Popen(
                            [self.program, *some], cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            start_new_session=True,
                        )
                    )
                time.sleep(1.5)
            yield
        finally:
            self.begin(["down", "--force"], home, environment).communicate(timeout=60)
            for process in started:
                kill(process)


def kill(process):
    """Ends a process and its group; returns what it had said, where that was to be read."""
    # It may have ended by itself, and its nodes with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0] or ""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def control(environment):
    return Control(int(environment["DORA_COORDINATOR_PORT"]))
