"""Downloads the official Pulumi release into `.toolchain/release`, by the way that Pulumi's own SDK has for it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from ops import paths
from ops.console import run_logged, say
from ops.engine.workplace import workplace
from ops.plugins import DOWNLOADS
from ops.reach import reachable

if TYPE_CHECKING:
    from rich.console import Console

# In a process of its own: the SDK has no time limit and no way to be stopped.
INSTALL = "import sys; from pulumi.automation import PulumiCommand; PulumiCommand.install(root=sys.argv[1])"


def is_reachable() -> bool:
    """Whether the official downloads can be reached."""
    return reachable(DOWNLOADS)


def install(console: Console) -> bool:
    """The release that belongs to the Python SDK, into .toolchain/release; False where the download fails."""
    log = paths.LOGS / "release.log"
    with workplace() as folder:
        command = [sys.executable, "-c", INSTALL, str(folder)]
        done = run_logged(
            "Downloading the Pulumi release", command, log=log, cwd=paths.ROOT, env=os.environ, out=console
        )
        if done.status or not (folder / "bin" / "pulumi").exists():
            say(
                f"The release could not be downloaded (see {paths.relative(log)}); building the engine instead."
            )
            return False
        shutil.rmtree(paths.RELEASE, ignore_errors=True)
        folder.rename(paths.RELEASE)
    return True
