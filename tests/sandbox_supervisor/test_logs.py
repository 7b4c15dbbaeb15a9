"""Reading logs: the end of them, and what comes."""

from __future__ import annotations

import threading

from sandbox.logs import follow, last_lines


def test_the_last_lines_of_a_log(tmp_path):
    """Oldest first, broken bytes replaced, no log no lines."""
    log = tmp_path / "web.log"
    assert last_lines(log, 3) == []
    log.write_bytes(b"one\ntwo\n\xff three\n")
    assert last_lines(log, 2) == ["two", "\ufffd three"]
    assert last_lines(log, 0) == []


def test_lines_that_come_are_followed_from_file_to_file(tmp_path):
    """Whole lines only, of a log that is made later, too, and of one that was put aside and begun anew."""
    log, late = tmp_path / "web.log", tmp_path / "late.log"
    log.write_text("history\n")
    lines = follow([log, late], every_seconds=0.001)
    writer = threading.Timer(
        0.2, late.write_text, ["first\nhal"]
    )  # after follow() has looked for the first time
    writer.start()
    assert next(lines) == (late, "first")
    with late.open("a") as file:
        file.write("f\n")
    assert next(lines) == (late, "half")
    log.write_text("new\n")
    assert next(lines) == (log, "new")
