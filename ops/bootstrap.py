"""Makes `.venv` from `requirements-dev.txt`; `./dev` runs it with the system's Python whenever the lock and the venv differ.

Standard library only (and `ops/locking.py`, which keeps to that, too). The stamp `.venv/.installed` is removed first
and written last, so an install that was cut off is seen by the next run and made anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ops.locking import locked

ROOT = Path(__file__).resolve().parent.parent
SAYS_NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "ProxyError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
)


class BootstrapError(Exception):
    """The venv cannot be made; the text is one sentence for the user."""


def stamp_text(root: Path) -> str:
    """What `.venv/.installed` holds after a complete install: `./dev` compares it byte for byte."""
    return f"{root}\n{(root / 'requirements-dev.txt').read_text(encoding='utf-8')}"


def is_installed(root: Path) -> bool:
    """Whether the venv is complete, in its place and made from the present lock."""
    stamp = root / ".venv" / ".installed"
    try:
        return os.access(root / ".venv/bin/python", os.X_OK) and stamp.read_text(
            encoding="utf-8"
        ) == stamp_text(root)
    except OSError:
        return False


def say(text: str) -> None:
    """One line of progress; on stderr, so that a command's output stays clean."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A line that counts packages on a terminal; silent elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.seen, self.started = total, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def line(self, text: str) -> None:
        if text.startswith("Collecting "):
            self.seen += 1
        if not self.shown:
            return
        what = "unpacking" if text.startswith("Installing collected") else f"{self.seen} of {self.total}"
        seconds = int(time.monotonic() - self.started)
        sys.stderr.write(f"\r  Python packages: {what}, {seconds} s\x1b[K")
        sys.stderr.flush()

    def end(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")


def clean_environment() -> dict[str, str]:
    """The environment without what would make pip install elsewhere or Python import from elsewhere."""
    astray = {
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PYTHONPATH",
        "PYTHONHOME",
        "__PYVENV_LAUNCHER__",
    }
    return {key: value for key, value in os.environ.items() if key not in astray}


def names(lock: str) -> set[str]:
    """The packages that a lock names."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", lock, re.MULTILINE))


def can_be_updated(root: Path) -> bool:
    """Whether the venv is a complete one of this clone, made from a lock of which the present one drops no package."""
    try:
        place, lock = (root / ".venv/.installed").read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return False
    present = (root / "requirements-dev.txt").read_text(encoding="utf-8")
    runs = os.access(root / ".venv/bin/python", os.X_OK)
    return runs and place == str(root) and names(lock) <= names(present)


def make_venv(venv: Path, log: Path) -> None:
    """A new empty venv in place of whatever is there."""
    shutil.rmtree(venv, ignore_errors=True)
    if venv.exists() or venv.is_symlink():
        venv.unlink()
    with log.open("w", encoding="utf-8") as out:
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(venv)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=clean_environment(),
            check=False,
        )
    if made.returncode:
        hint = "install its venv module (on Debian and Ubuntu: apt install python3-venv)"
        raise BootstrapError(
            f"{sys.executable} cannot make a virtual environment: {hint}; its output is in {log}."
        )


def install(root: Path, venv: Path, log: Path) -> None:
    """Install the lock, hashes checked, wheels only; the lock is complete, so pip need not resolve anything."""
    lock = root / "requirements-dev.txt"
    command = [str(venv / "bin/python"), "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    command += [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--progress-bar",
        "off",
        "-r",
        str(lock),
    ]
    progress = Progress(len(names(lock.read_text(encoding="utf-8"))))
    with (
        log.open("a", buffering=1, encoding="utf-8") as out,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=clean_environment(),
        ) as pip,
    ):
        try:
            for line in pip.stdout or ():
                out.write(line)
                progress.line(line)
        finally:
            progress.end()
            if pip.poll() is None and sys.exc_info()[0] is not None:
                pip.kill()
    if pip.returncode:
        raise BootstrapError(explain(log))


def explain(log: Path) -> str:
    """The sentence for a failed pip."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if any(sign in text for sign in SAYS_NO_NETWORK):
        return f"pip cannot reach the package index: check the network (or PIP_INDEX_URL) and run again; see {log}."
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in text:
        return f"A package differs from its hash in requirements-dev.txt, so nothing was used; see {log}."
    if "No matching distribution" in text:
        version = ".".join(map(str, sys.version_info[:2]))
        return f"A package has no ready-made wheel for Python {version} here: try another with PYTHON=python3.12; see {log}."
    return f"pip could not install the packages of requirements-dev.txt; its output is in {log}."


def bootstrap(root: Path) -> None:
    """Bring `.venv` up to the lock. Raises BootstrapError with one sentence."""
    toolchain, venv = root / ".toolchain", root / ".venv"
    with locked(toolchain / "venv.lock", "that installs"):
        if is_installed(root):
            return
        log = toolchain / "logs" / "pip.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        update = can_be_updated(root)
        (venv / ".installed").unlink(missing_ok=True)
        if update:
            say("The lock has changed: updating the Python packages in .venv …")
            log.write_text("", encoding="utf-8")
        else:
            say("Installing the Python packages into .venv (once, about a minute) …")
            make_venv(venv, log)
        install(root, venv, log)
        # `python -P -m ops` finds the project by this, from any directory.
        for site_packages in venv.glob("lib/python3*/site-packages"):
            (site_packages / "project.pth").write_text(f"{root}\n", encoding="utf-8")
        partial = venv / ".installed.partial"
        partial.write_text(stamp_text(root), encoding="utf-8")
        partial.replace(venv / ".installed")
        say(f"Python packages are ready ({time.monotonic() - started:.0f} s).")


def main() -> int:
    """Exit status: 0 ready, 1 with one sentence, 130 after Ctrl-C."""
    try:
        bootstrap(ROOT)
    except BootstrapError as problem:
        say(f"dev: {problem}")
        return 1
    except OSError as problem:
        say(f"dev: {problem.strerror or problem}: {problem.filename or ROOT}; .venv could not be made.")
        return 1
    except KeyboardInterrupt:
        say("\ndev: interrupted; the next run starts the install anew.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
