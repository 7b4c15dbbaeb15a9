"""Reading the services' logs: the last lines, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["follow", "last_lines"]


def last_lines(path: Path, number: int) -> list[str]:
    """The last lines of a log, oldest first; none if there is no such log. Reads at most the last 256 KB."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 262_144))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-number:] if number > 0 else []


def follow(paths: Sequence[Path], *, every_seconds: float = 0.2) -> Iterator[tuple[Path, str]]:
    """Lines that are written to the logs from now on, for ever; a log that is put aside or made later is followed, too."""
    positions = {path: path.stat().st_size if path.exists() else 0 for path in paths}
    halves: dict[Path, bytes] = dict.fromkeys(paths, b"")
    while True:
        for path in paths:
            size = path.stat().st_size if path.exists() else 0
            if size < positions[path]:
                positions[path], halves[path] = 0, b""
            if size > positions[path]:
                with path.open("rb") as file:
                    file.seek(positions[path])
                    content = halves[path] + file.read()
                    positions[path] = file.tell()
                *whole, halves[path] = content.split(b"\n")
                for line in whole:
                    yield path, line.decode(errors="replace")
        time.sleep(every_seconds)
