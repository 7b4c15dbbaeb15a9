"""Builds the Pulumi engine and its Python language host from their Go modules into `.toolchain/bin`.

Versions and hashes are pinned by the go.mod and go.sum beside this file: two modules, because the last language
host that is published as a Go module belongs to an older SDK than the engine. `go get -tool PACKAGE@VERSION` in
one of the folders moves its pins.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ops import paths
from ops.console import Finished, run_logged
from ops.engine.workplace import workplace
from ops.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

ENGINE_VERSION = "3.259.0"  # as in ops/engine/pulumi/go.mod; newer ones are not published as a module
OLDEST_GO = (1, 26, 6)  # what that module's go.mod asks for
VERSION_SYMBOL = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
HOST_MODULE = "github.com/pulumi/pulumi/sdk/v3"
HOST_SCRIPT = "pulumi-language-python-exec"  # in the module's python/cmd
COMPLETE = ".complete"  # written last; holds what the folder was built from


@dataclass(frozen=True)
class Part:
    """One command to build: the folder of its lock, its package, the name of its executable."""

    title: str
    lock: str
    package: str
    binary: str
    linker_flags: str = "-s -w"  # without symbols: a third smaller, and linked sooner


PARTS = (
    Part(
        title=f"Building Pulumi {ENGINE_VERSION} from its Go modules (once, about four minutes)",
        lock="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        binary="pulumi",
        linker_flags=f"-s -w -X {VERSION_SYMBOL}={ENGINE_VERSION}",
    ),
    Part(
        title="Building its language host for Python",
        lock="language-python",
        package=f"{HOST_MODULE}/python/cmd/pulumi-language-python",
        binary="pulumi-language-python",
    ),
)


def recipe() -> str:
    """What identifies a build: the locks that it was made from."""
    return "".join((paths.ENGINE_LOCKS / part.lock / "go.sum").read_text() for part in PARTS)


def is_built() -> bool:
    """Whether a complete build from the present locks is in place."""
    files = [*(part.binary for part in PARTS), HOST_SCRIPT]
    try:
        complete = (paths.ENGINE_BIN / COMPLETE).read_text() == recipe()
    except FileNotFoundError:
        return False
    return complete and all((paths.ENGINE_BIN / name).exists() for name in files)


def go_environment() -> dict[str, str]:
    """Go with this machine's proxy and caches, but only the toolchain that is installed and only what the locks list."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    environment.pop("GOFLAGS", None)
    environment.pop("GOOS", None)
    environment.pop("GOARCH", None)
    if sys.platform != "darwin":
        # Go counts its own use under the user's configuration folder: into ours instead. The user's settings of Go still hold.
        own = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        environment.setdefault("GOENV", str(own / "go" / "env"))
        environment["XDG_CONFIG_HOME"] = str(paths.TOOLCHAIN / "config")
    return environment


def find_go() -> str:
    """The `go` command. Raises Problem where it is missing or too old."""
    oldest = ".".join(map(str, OLDEST_GO))
    advice = f"install Go {oldest} or newer, or pulumi {ENGINE_VERSION} or newer, and run again."
    go = shutil.which("go")
    if go is None:
        raise Problem(
            f"There is no pulumi on the PATH, its release cannot be downloaded here and there is no Go to build it: {advice}"
        )
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"],
            env=go_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = answer.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    version = (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
    if version < OLDEST_GO:
        raise Problem(f"The Go on the PATH ({said or go}) is too old to build pulumi: {advice}")
    return go


class Progress:
    """Turns lines of `go build -v` into a count."""

    def __init__(self) -> None:
        self.modules = self.packages = 0

    def __call__(self, line: str) -> str | None:
        if line.startswith("go: downloading "):
            self.modules += 1
            return f"{self.modules} modules fetched"
        if "/" in line and " " not in line:
            self.packages += 1
            return f"{self.packages} packages compiled"
        return None


def go_build(console: Console, go: str, part: Part, folder: Path) -> None:
    """Build one part into `folder`. Raises Problem."""
    log = paths.LOGS / f"build-{part.binary}.log"
    command = [go, "build", "-v", "-mod=readonly", "-buildvcs=false", f"-ldflags={part.linker_flags}"]
    done = run_logged(
        part.title,
        [*command, "-o", str(folder / part.binary), part.package],
        log=log,
        cwd=paths.ENGINE_LOCKS / part.lock,
        env=go_environment(),
        describe=Progress(),
        out=console,
    )
    if done.status:
        raise Problem(explain(done, log))


def explain(done: Finished, log: Path) -> str:
    """The sentence for a failed build."""
    text, where = "\n".join(done.tail), paths.relative(log)
    if re.search(r"dial tcp|no such host|lookup |connection refused|i/o timeout|TLS handshake", text):
        return f"Go cannot fetch the Pulumi engine's modules: check the network (or GOPROXY) and run again; see {where}."
    if "SECURITY ERROR" in text:
        return (
            f"A downloaded Go module differs from the hash in ops/engine, so nothing was built; see {where}."
        )
    if "no space left" in text:
        return f"The disk is full: building the Pulumi engine takes about 4 GB in Go's caches; see {where}."
    return f"The Pulumi engine could not be built (go build ended with status {done.status}); see {where}."


def host_script(go: str) -> Path:
    """Where Go's module cache holds the script that the language host runs Python programs with."""
    answer = subprocess.run(
        [go, "list", "-mod=readonly", "-m", "-json", HOST_MODULE],
        cwd=paths.ENGINE_LOCKS / "language-python",
        env=go_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise Problem(f"Go does not say where the module {HOST_MODULE} is: {answer.stderr.strip()[:200]}")
    return Path(json.loads(answer.stdout)["Dir"]) / "python" / "cmd" / HOST_SCRIPT


def build(console: Console) -> None:
    """Build engine and language host into .toolchain/bin (the caller holds the lock). Raises Problem."""
    go = find_go()
    with workplace() as folder:
        for part in PARTS:
            go_build(console, go, part, folder)
        # Copies in one folder: the engine warns about a host that it finds elsewhere or through a link.
        script = folder / HOST_SCRIPT
        shutil.copyfile(host_script(go), script)
        script.chmod(0o755)
        (folder / COMPLETE).write_text(recipe())
        folder.chmod(0o755)
        shutil.rmtree(paths.ENGINE_BIN, ignore_errors=True)
        folder.rename(paths.ENGINE_BIN)
