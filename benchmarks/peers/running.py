"""An adapter's process: started in its environment, asked in JSON lines, its memory watched from outside."""

import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kb.model_store import go_offline

ADAPTERS = Path(__file__).parent / "adapters"
# So often, in seconds, a process's memory is looked at; more would take time from what is measured.
_LOOK = 1.0


class AdapterError(Exception):
    """An adapter has no environment, or ended without a reply: then the message ends with the last lines that it
    printed."""


class Process:
    """A running adapter; raises AdapterError where its environment has not been made. `peak` is the most memory, in
    bytes, that it and its children have held at once; `cpu` the processor's seconds that they took, known when it has
    ended."""

    def __init__(self, command: list[str], log: Path) -> None:
        go_offline()
        # Threads that wait for each other asleep rather than spinning: on a shared machine that is time of others.
        environment = os.environ | {"ANONYMIZED_TELEMETRY": "False", "OMP_WAIT_POLICY": "PASSIVE"}
        self._started = time.perf_counter()
        self._log = log
        with log.open("ab") as stderr:
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
                )
            except FileNotFoundError as error:
                raise AdapterError(
                    f"there is no {command[0]}: make it with benchmarks/peers/setup.sh"
                ) from error
        self.peak = 0
        self.cpu = 0.0
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The reply to a request. Raises AdapterError."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self._process.wait()
            tail = self._log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise AdapterError(f"exit code {self._process.returncode}: " + " / ".join(tail))
        reply: dict[str, Any] = json.loads(line)
        return reply

    def seconds(self) -> float:
        """Since the process was started."""
        return time.perf_counter() - self._started

    def close(self) -> None:
        """Lets the adapter end."""
        assert self._process.stdin is not None
        before = _cpu_of_ended()
        self._process.stdin.close()
        self._process.wait()
        self.cpu = _cpu_of_ended() - before
        self._watch.join()

    def _look(self) -> None:
        while self._process.poll() is None:
            self.peak = max(self.peak, sum(map(_held, _tree(self._process.pid))))
            time.sleep(_LOOK)


@contextmanager
def running(command: list[str], log: Path) -> Iterator[Process]:
    """A started adapter, ended at the end."""
    process = Process(command, log)
    try:
        yield process
    finally:
        process.close()


def _cpu_of_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:  # it has just ended
                continue
    return found


def _held(pid: int) -> int:
    """The process's memory in bytes; what it shares with others counts in part, so that a sum is true."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
