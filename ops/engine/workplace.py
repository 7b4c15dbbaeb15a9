"""Where something is made before it is complete: a folder in `.toolchain/build`, renamed into place by who made it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops import paths


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder, gone afterwards unless renamed away.

    What an interrupted run left goes first: the caller holds the lock, so nobody else is at work there.
    """
    build = paths.TOOLCHAIN / "build"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    try:
        yield Path(tempfile.mkdtemp(dir=build))
    finally:
        shutil.rmtree(build, ignore_errors=True)
