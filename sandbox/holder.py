"""The detached process that holds the services: `python -m sandbox.holder`, started by `sandbox.supervisor`.

It knows nothing of what the services are. Its stdin brings the plan as one line of JSON, then `start NAME` for a
service whose time has come, then `keep` once everything is ready; if the other end closes before that (Ctrl-C,
kill -9, a failed start), everything ends. Services that die are logged and reported, never restarted silently.

Nothing outlives it: each service's stdin is a pipe whose other end is here, and one shell waits at such a pipe to kill what is
left of the process group two seconds after the holder is gone, however it went.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sandbox.state import State, write_atomically

LOG_LIMIT_BYTES = 5_000_000
STATE_CHECK_SECONDS = 2.0
GRACE_SECONDS = 3.0  # a service has 2 s to end; stop must be done in 5 s

LAST_ONE_OUT = """
trap '' INT TERM HUP
read -r _
sleep 2
kill -s KILL -- "-$1"
"""


@dataclass
class Child:
    """One service's process. `status` is its exit status once it ended (negative: the signal that killed it)."""

    name: str
    command: list[str]
    ends_last: bool
    process: subprocess.Popen[bytes]
    status: int | None = None
    ended: str | None = None
    asked_to_end: bool = field(default=False)


class Holder:
    """Starts the services of a plan, keeps the books about them in `run.json`, ends them."""

    def __init__(self, state: State, plan: dict[str, Any], lock: BinaryIO) -> None:
        self.state = state
        self.lock = lock
        self.plan = plan
        self.children: list[Child] = []
        self.kept = False

    def start(self, name: str) -> None:
        """Starts one service of the plan."""
        service = self.plan["services"][name]
        with _log_file(self.state.logs / f"{name}.log") as log:
            process = subprocess.Popen(
                service["command"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.plan["directory"],
                env=service["environment"],
            )
        self.children.append(Child(name, service["command"], service["ends_last"], process))
        self.report()

    def obey(self, words: str) -> None:
        """Does what the starter says: `start NAME` or `keep`."""
        if words == "keep":
            _say("everything answers")
            self.kept = True
            self.report()
        else:
            self.start(words.removeprefix("start "))

    def reap(self) -> None:
        """Notices services that ended."""
        for child in self.children:
            if child.status is not None or child.process.poll() is None:
                continue
            child.status = child.process.returncode
            child.ended = _now()
            if child.process.stdin is not None:
                child.process.stdin.close()
            if not child.asked_to_end:
                how = f"with status {child.status}" if child.status >= 0 else f"by signal {-child.status}"
                _say(f"{child.name} ended {how}; its last words are in {child.name}.log")
            self.report()

    def report(self) -> None:
        """Writes run.json, unless the state directory is somebody else's by now."""
        if not self.owns_state():
            return
        write_atomically(
            self.state.run_file,
            {
                "pid": os.getpid(),
                "kept": self.kept,
                "services": {
                    child.name: {
                        "pid": child.process.pid,
                        "command": " ".join(child.command),
                        "status": child.status,
                        "ended": child.ended,
                    }
                    for child in self.children
                },
            },
        )

    def owns_state(self) -> bool:
        """Whether the locked file is still the one in the state directory: after `rm -rf` of that it is not."""
        try:
            return self.state.holder_lock_file.stat().st_ino == os.fstat(self.lock.fileno()).st_ino
        except FileNotFoundError:
            return False

    def stop(self) -> None:
        """Ends the services; the database last, so that the others can still write."""
        for last in (False, True):
            group = [child for child in self.children if child.ends_last is last]
            for child in group:
                self.reap()
                if child.status is None:
                    child.asked_to_end = True
                    # Postgres takes SIGINT for 'end now, properly', and SIGTERM for 'when all clients have left'.
                    child.process.send_signal(signal.SIGINT if last else signal.SIGTERM)
            deadline = time.monotonic() + GRACE_SECONDS
            while any(child.status is None for child in group):
                if time.monotonic() > deadline:
                    for child in group:
                        if child.status is None:
                            _say(f"{child.name} did not end within {GRACE_SECONDS:.0f} s and was killed")
                            child.process.kill()
                    deadline = float("inf")
                time.sleep(0.01)
                self.reap()


class Starter:
    """The process at the other end of stdin, line by line; `speaks` until it closes that end or is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = b""
        self.speaks = True

    def fileno(self) -> int:
        """For select()."""
        return self._descriptor

    def lines(self) -> list[str]:
        """Waits for news and returns the lines that became whole."""
        content = os.read(self._descriptor, 65536)
        self.speaks = bool(content)
        *whole, self._unread = (self._unread + content).split(b"\n")
        return [line.decode() for line in whole]

    def first_lines(self) -> list[str]:
        """Waits until there is a whole line; none if the other end closed before."""
        found: list[str] = []
        while self.speaks and not found:
            found = self.lines()
        return found


class Alarm:
    """Signals as something that select() can wait for; `ending` once one of them asked for the end."""

    def __init__(self) -> None:
        self.ending = False
        self._read_end, write_end = os.pipe()
        for side in (self._read_end, write_end):
            os.set_blocking(side, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def fileno(self) -> int:
        """For select()."""
        return self._read_end

    def clear(self) -> None:
        """Forgets what came until now."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_end, 4096)

    def _end(self, _number: int, _frame: object) -> None:
        self.ending = True


def main() -> None:
    """Runs until SIGTERM, or until the starter goes away before it said `keep`."""
    os.umask(0o077)
    alarm = Alarm()
    starter = Starter(sys.stdin.fileno())
    said = starter.first_lines()
    if not said:
        return
    plan = json.loads(said.pop(0))
    state = State(Path(plan["state"]))
    with state.holder_lock_file.open("ab") as lock:
        if not _lock(lock):
            sys.exit("another sandbox runs in this directory")
        last_one_out = subprocess.Popen(
            ["/bin/sh", "-c", LAST_ONE_OUT, "sandbox-last-one-out", str(os.getpgrp())],
            stdin=subprocess.PIPE,
        )
        holder = Holder(state, plan, lock)
        try:
            _say("starting")
            _hold(holder, alarm, starter, said)
        finally:
            holder.stop()
            if holder.owns_state():
                state.run_file.unlink(missing_ok=True)
            _say("ended")
            last_one_out.kill()
            last_one_out.wait()


def _hold(holder: Holder, alarm: Alarm, starter: Starter, said: list[str]) -> None:
    """Obeys the starter and watches the services until it is time to end."""
    listened: list[Alarm | Starter] = [alarm, starter]
    while True:
        for words in said:
            holder.obey(words)
        said = []
        if alarm.ending:
            return
        if not (starter.speaks or holder.kept):
            _say("the start was given up")
            return
        ready, _, _ = select.select(listened, [], [], STATE_CHECK_SECONDS)
        if alarm in ready:
            alarm.clear()
            holder.reap()
        if starter in ready:
            said = starter.lines()
            if not starter.speaks:
                listened.remove(starter)
        if not ready and not holder.owns_state():
            _say("the state directory was removed")
            return


def _lock(file: BinaryIO) -> bool:
    """Takes the proof of life. A `status` that looks at it right now holds it for a moment: hence the patience."""
    for _attempt in range(100):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _log_file(path: Path) -> BinaryIO:
    """A log to append to; a long one is put aside first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _say(text: str) -> None:
    sys.stderr.write(f"{_now()} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
