"""Node processes that run triggers, one run at a time each.

A process is started ahead of need. It takes another run only where nothing is left of the last one (`runner.js`
says so); a failure, an open socket or a new global ends it, so a write that an Action forgot to await is lost, as
it is at Auth0. One process waits (some 25 MB of its own), at most four run; whoever comes later queues, and the
time in the queue does not count against the limit. An Action may use the network, but not the disk, other
processes or native add-ons (Node's permission model).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from sandbox.auth0.runtime.threads import DaemonExecutor

__all__ = ["NodePool", "Transcript", "pool_for"]

IDLE_PROCESSES = 1
RUNNING_PROCESSES = 4
IDLE_SECONDS = 5.0  # after which processes beyond the first are ended
START_SECONDS = 10.0
RUNS = 500  # after which a process is replaced
RUNNER = Path(__file__).parent / "runner.js"
# An endless loop cannot notice that the tenant is gone: the kernel ends it after this many seconds of CPU.
CPU_SECONDS = 45
HEAP_MEGABYTES = 128


@dataclass
class Transcript:
    """What a run has sent, and how the process ended: `exit_code` None where it was killed at the limit."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None
    timed_out: bool = False
    stderr: str = ""

    @property
    def began(self) -> bool:
        """True where the first Action was started."""
        return any("start" in message for message in self.messages)

    @property
    def completed(self) -> bool:
        """True where every Action that should run has run to its end."""
        return any("end" in message for message in self.messages)


class _Process:
    """One waiting Node process, the pipe that its result comes through, and its end."""

    def __init__(self, node: Path, extra_ca: Path | None) -> None:
        read_end, write_end = os.pipe()
        # Nothing of the tenant's environment: it holds secrets.
        environment = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LANG": "C.UTF-8"}
        if extra_ca is not None:
            environment["NODE_EXTRA_CA_CERTS"] = str(extra_ca)
        command = [
            *("/bin/sh", "-c", f'ulimit -t {CPU_SECONDS}; exec "$0" "$@"', str(node)),
            *("--permission", f"--allow-fs-read={RUNNER.parent}", f"--max-old-space-size={HEAP_MEGABYTES}"),
            "--max-semi-space-size=1",  # megabytes: 10 MB less in a process that has run a while
            *(str(RUNNER), str(write_end)),
        ]
        try:
            self.popen = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(write_end,),
            )
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self.result = read_end
        self.runs = 0
        self._buffer = b""
        self._errors = b""
        # Pipes were asked for, so they are there.
        self.stdin = cast("BinaryIO", self.popen.stdin)
        self.stderr = cast("BinaryIO", self.popen.stderr)

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def close(self) -> None:
        """End the process, whatever it does, and let go of its pipes."""
        self.popen.kill()
        self.popen.wait()
        for stream in (self.stdin, self.stderr):
            with contextlib.suppress(OSError):
                stream.close()
        os.close(self.result)

    def run(self, job: dict[str, Any], limit: float) -> Transcript:
        """Hand over a job, collect what comes back until the end, the process's death or the limit (seconds)."""
        transcript = Transcript()
        if self.runs == 0:
            self._ready(START_SECONDS)  # starting Node is not the Action's time
        self.runs += 1
        deadline = time.monotonic() + limit
        with contextlib.suppress(BrokenPipeError):
            self.stdin.write(json.dumps(job, separators=(",", ":")).encode() + b"\n")
            self.stdin.flush()
        for line in self._lines(deadline):
            with contextlib.suppress(ValueError):  # an Action may find the pipe and write to it
                message = json.loads(line)
                if isinstance(message, dict):
                    transcript.messages.append(message)
                    if "end" in message:
                        return transcript
        try:
            transcript.exit_code = self.popen.wait(max(deadline - time.monotonic(), 0))
            self._errors += self.stderr.read()
        except subprocess.TimeoutExpired:
            transcript.timed_out = True
        transcript.stderr = self._errors[-2000:].decode(errors="replace")
        return transcript

    def reusable(self) -> bool:
        """Wait for the word that the process takes another run; False where it ends instead."""
        if self.runs >= RUNS:
            return False
        return self._ready(1)

    def _ready(self, seconds: float) -> bool:
        return any(b'"ready"' in line for line in self._lines(time.monotonic() + seconds))

    def _lines(self, deadline: float) -> Iterator[bytes]:
        """Lines of the result pipe, until it is closed or time is up; keeps what comes on stderr."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.result, selectors.EVENT_READ)
            selector.register(self.stderr, selectors.EVENT_READ)
            while True:
                while b"\n" in self._buffer:
                    line, self._buffer = self._buffer.split(b"\n", 1)
                    yield line
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return
                for key, _ in selector.select(remaining):
                    chunk = os.read(key.fd, 65536)
                    if key.fd == self.result:
                        if not chunk:
                            return
                        self._buffer += chunk
                    elif chunk:
                        self._errors = (self._errors + chunk)[-8000:]
                    else:
                        selector.unregister(self.stderr)


class NodePool:
    """Waiting processes of one Node binary, and the threads that watch running ones. Thread-safe."""

    def __init__(self, node: Path, extra_ca: Path | None) -> None:
        self._node = node
        self._extra_ca = extra_ca
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self._closed = False
        self._timer: threading.Timer | None = None
        self._running: set[_Process] = set()
        self.executor = DaemonExecutor(RUNNING_PROCESSES, "actions")
        self._helpers = DaemonExecutor(1, "actions-refill")

    def run(self, job: dict[str, Any], limit: float) -> Transcript:
        """Run a job; blocks for at most `limit` seconds, so call it in `executor`.

        Raises OSError where Node cannot be started.
        """
        transcript = self._run_once(job, limit)
        if not transcript.began and not transcript.timed_out:
            # The waiting process died with what an earlier Action had left in it; nothing has run yet.
            transcript = self._run_once(job, limit)
        return transcript

    def _run_once(self, job: dict[str, Any], limit: float) -> Transcript:
        process = self._take()
        transcript = Transcript()
        with self._lock:
            self._running.add(process)
        try:
            transcript = process.run(job, limit)
        finally:
            with self._lock:
                self._running.discard(process)
            self._helpers.submit(self._release, process, transcript.completed)
        return transcript

    def warm(self) -> None:
        """Start a waiting process in the background, so that the first login does not pay for it."""
        self._helpers.submit(self._refill)

    def close(self) -> None:
        """End all processes, also those that run an Action; their runs fail."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            running = list(self._running)
            if self._timer is not None:
                self._timer.cancel()
        for process in running:
            process.popen.kill()
            process.popen.wait()
        for process in idle:
            process.close()

    def _take(self) -> _Process:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                return _Process(self._node, self._extra_ca)
            if process.alive:
                return process
            process.close()

    def _release(self, process: _Process, completed: bool) -> None:
        """Keep a process that is as new, end any other; see that one waits."""
        if completed and process.reusable():
            self._keep(process)
        else:
            process.close()
            self._refill()

    def _refill(self) -> None:
        with self._lock:
            if self._closed or len(self._idle) >= IDLE_PROCESSES:
                return
        self._keep(_Process(self._node, self._extra_ca))

    def _keep(self, process: _Process) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < RUNNING_PROCESSES:
                self._idle.append(process)
                if len(self._idle) > IDLE_PROCESSES:
                    self._trim_later()
                return
        process.close()

    def _trim_later(self) -> None:
        """Once it is quiet, end what waits beside the first process. Called with the lock held."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(IDLE_SECONDS, self._trim)
        self._timer.daemon = True
        self._timer.start()

    def _trim(self) -> None:
        with self._lock:
            extra, self._idle = self._idle[IDLE_PROCESSES:], self._idle[:IDLE_PROCESSES]
        for process in extra:
            process.close()


_pools: dict[tuple[Path, Path | None], NodePool] = {}
_pools_lock = threading.Lock()


def pool_for(node: Path, extra_ca: Path | None) -> NodePool:
    """The process-wide pool for a Node binary and the certificate that its `fetch` trusts."""
    with _pools_lock:
        pool = _pools.get((node, extra_ca))
        if pool is None:
            pool = _pools[node, extra_ca] = NodePool(node, extra_ca)
        return pool


@atexit.register
def _close_pools() -> None:
    with _pools_lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()
