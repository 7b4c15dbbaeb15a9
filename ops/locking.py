"""One run at a time for what is made once: a lock that the kernel drops with its holder, so none is ever stale."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.console import say


@contextmanager
def locked(lock: Path, doing: str) -> Iterator[None]:
    """Hold `lock` while the block runs. Where another holds it, say `Waiting for another ./dev <doing>` and wait."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another ./dev {doing} …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
