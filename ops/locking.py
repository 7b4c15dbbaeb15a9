"""One run at a time for what is made once: a lock that the kernel drops with its holder, so none is ever stale.

Standard library only: `ops/bootstrap.py` uses it before anything is installed.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(lock: Path, doing: str) -> Iterator[None]:
    """Hold `lock` while the block runs. Where another holds it, say `Waiting for another ./dev <doing>` and wait."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another ./dev {doing} …", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
