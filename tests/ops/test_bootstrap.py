"""`./dev` and the venv that it makes, in a small clone of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops import bootstrap, paths

SAYS_WORDS = "import os, sys; print(os.getcwd()); print(sys.argv[1:])"
NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
}
SOMETHING = f"something==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a folder with a space, with an empty lock and a command that prints where it runs and its words."""
    root = tmp_path / "a clone"
    (root / "ops").mkdir(parents=True)
    shutil.copy2(paths.ROOT / "dev", root / "dev")
    for name in ("__init__.py", "bootstrap.py", "locking.py"):
        shutil.copy2(paths.ROOT / "ops" / name, root / "ops" / name)
    (root / "ops/__main__.py").write_text(SAYS_WORDS)
    (root / "requirements-dev.txt").write_text("# nothing\n")
    return root


def dev(
    clone: Path, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the clone's `./dev`."""
    return subprocess.run(
        [str(clone / "dev"), *words],
        cwd=cwd or clone,
        env={**os.environ, "PYTHON": sys.executable, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_first_run_installs_and_every_run_hands_its_words_on(clone: Path, tmp_path: Path):
    """From any directory, words with spaces intact; the second run installs nothing and says nothing."""
    first = dev(clone, "two words", "-x", cwd=tmp_path)
    assert (first.returncode, first.stdout) == (0, f"{tmp_path}\n['two words', '-x']\n"), first.stderr
    assert "Installing the Python packages" in first.stderr
    second = dev(clone, "again")
    assert (second.stdout, second.stderr) == (f"{clone}\n['again']\n", "")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Installs nothing: the steps that were taken, and a venv's python that is a link."""
    steps: list[str] = []

    def make_venv(venv: Path, log: Path) -> None:
        steps.append("make")
        shutil.rmtree(venv, ignore_errors=True)
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install", lambda root, venv, log: steps.append("install"))
    return steps


def test_complete_venv_is_left_alone(clone: Path, quick: list[str]):
    """Two runs, one install."""
    bootstrap.bootstrap(clone)
    bootstrap.bootstrap(clone)
    assert quick == ["make", "install"]


def test_changed_lock_updates_in_place(clone: Path, quick: list[str]):
    """What is installed already is not installed again."""
    bootstrap.bootstrap(clone)
    (clone / "requirements-dev.txt").write_text("# still nothing\n")
    bootstrap.bootstrap(clone)
    assert quick == ["make", "install", "install"]
    assert bootstrap.is_installed(clone)


def test_moved_clone_and_missing_python_ask_for_a_new_venv(clone: Path, tmp_path: Path, quick: list[str]):
    """The scripts of a venv name its place, and its python is a link to the system's."""
    bootstrap.bootstrap(clone)
    moved = clone.rename(tmp_path / "moved")
    bootstrap.bootstrap(moved)
    (moved / ".venv/bin/python").unlink()
    (moved / ".venv/bin/python").symlink_to("/gone/python3")
    bootstrap.bootstrap(moved)
    assert quick == ["make", "install"] * 3


@pytest.mark.parametrize("lock", ["# nothing\n", "# a new lock\n"])
def test_install_that_was_cut_off_is_made_anew(
    clone: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch, lock: str
):
    """Cut off in the first install or in an update: the venv does not count, and the next run starts from nothing."""

    def cut_off(root: Path, venv: Path, log: Path) -> None:
        raise KeyboardInterrupt

    bootstrap.bootstrap(clone)
    (clone / "requirements-dev.txt").write_text("# an update\n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bootstrap, "install", cut_off)
        bootstrap.bootstrap(clone)
    (clone / "requirements-dev.txt").write_text(lock)
    assert not bootstrap.is_installed(clone)
    bootstrap.bootstrap(clone)
    assert quick == ["make", "install"] * 2


def test_failing_pip_is_one_sentence(clone: Path):
    """Without the index: exit status 1, a sentence that names the log, and no venv that counts."""
    (clone / "requirements-dev.txt").write_text(SOMETHING)
    failed = dev(clone, env=NOWHERE)
    log = clone / ".toolchain/logs/pip.log"
    advice = f"check the network (or PIP_INDEX_URL) and run again; see {log}."
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[1:] == [f"dev: pip cannot reach the package index: {advice}"]
    assert not bootstrap.is_installed(clone)


def test_runs_at_the_same_time_install_once(clone: Path):
    """Of two runs one installs, the other waits for it; both then run their command."""
    command = [str(clone / "dev")]
    environment = {**os.environ, "PYTHON": sys.executable}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120) for run in both]
    assert [run.returncode for run in both] == [0, 0]
    assert sum("Installing the Python packages" in err for _, err in said) == 1
    assert sum("Waiting for another ./dev that installs" in err for _, err in said) == 1


def test_interrupted_install_leaves_no_process_and_is_not_taken_for_complete(clone: Path):
    """Ctrl-C ends pip with it, exit status 130, and the venv does not count as installed."""
    (clone / "requirements-dev.txt").write_text(SOMETHING)
    run = subprocess.Popen(
        [str(clone / "dev")],
        env={**os.environ, "PYTHON": sys.executable, **NOWHERE, "PIP_RETRIES": "100"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    log = clone / ".toolchain/logs/pip.log"
    try:
        while not (log.exists() and "/something/" in log.read_text()):
            assert run.poll() is None
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=60)
        assert run.returncode in (130, -signal.SIGINT)
        assert "interrupted" in said
        with pytest.raises(ProcessLookupError):
            os.killpg(run.pid, 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert not bootstrap.is_installed(clone)


def test_too_old_python_is_one_sentence(clone: Path, tmp_path: Path):
    """A PYTHON that is not 3.11 or newer is refused by name, before anything is made."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = dev(clone, env={"PYTHON": str(old)})
    assert refused.returncode == 1
    assert (
        refused.stderr
        == f"dev: $PYTHON is {old}, which is not a Python 3.11 or newer: set it to one, or unset it.\n"
    )
    assert not (clone / ".venv").exists()


def test_missing_python_is_one_sentence(clone: Path, tmp_path: Path):
    """No Python on the PATH: a sentence that says what to install."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "cmp"):
        (tools / name).symlink_to(shutil.which(name) or name)
    refused = dev(clone, env={"PATH": str(tools), "PYTHON": ""})
    assert refused.returncode == 1
    assert refused.stderr.startswith("dev: Python 3.11 or newer is needed and none is on the PATH")
    assert refused.stderr.count("\n") == 1


def test_update_in_place_needs_a_lock_that_only_grows(clone: Path):
    """A package that left the lock must leave the venv: such a venv is made anew."""
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").symlink_to(sys.executable)
    lock = clone / "requirements-dev.txt"
    lock.write_text("a==1 \\\n    --hash=sha256:0\nb[c]==2\n")
    (clone / ".venv/.installed").write_text(bootstrap.stamp_text(clone))
    assert bootstrap.is_installed(clone)
    lock.write_text("a==2\nb[c]==2\nd==1\n")
    assert bootstrap.can_be_updated(clone)
    lock.write_text("a==2\n")
    assert not bootstrap.can_be_updated(clone)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "A package differs from its hash"),
        ("ERROR: No matching distribution found for x==1", "has no ready-made wheel for Python 3."),
        ("ProxyError('Cannot connect to proxy.')", "pip cannot reach the package index"),
        ("ERROR: something else", "pip could not install the packages"),
    ],
)
def test_what_pip_says_becomes_a_sentence(tmp_path: Path, output: str, sentence: str):
    """Each known failure of pip has a sentence of its own that names the log."""
    log = tmp_path / "pip.log"
    log.write_text(f"Collecting x\n{output}\n")
    said = bootstrap.explain(log)
    assert sentence in said
    assert str(log) in said
