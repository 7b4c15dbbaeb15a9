"""One Node process that waits for runs: how it is started, given a job, read and ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

__all__ = ["SETTLE_SECONDS", "NodeProcess", "Transcript"]

RUNNER = Path(__file__).parent / "runner.js"
RUNS = 500  # after which a process is replaced
START_SECONDS = 10.0
SETTLE_SECONDS = 2.0
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


class NodeProcess:
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
        return self._ready(SETTLE_SECONDS)

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
