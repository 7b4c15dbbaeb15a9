"""Where the provider plugins auth0 and postgresql come from: the published ones, else the sandbox's stand-ins.

`DEV_PLUGINS=standin` or `DEV_PLUGINS=published` decides instead of the search (for tests of either).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from ops import paths
from ops.errors import Problem, UsageProblem
from ops.locking import locked
from ops.reach import reachable

Kind = Literal["published", "stand-in"]
PLUGINS = {
    "auth0": "pulumi-auth0",
    "postgresql": "pulumi-postgresql",
}  # plugin -> Python package with the same version
OVERRIDE = "DEV_PLUGINS"
DOWNLOADS = "https://get.pulumi.com"
NOTE = (
    "The published auth0 and postgresql plugins cannot be downloaded here: the stand-ins in sandbox/plugins take their place "
    "(they serve the sandbox, not a real tenant)."
)


@dataclass(frozen=True)
class Choice:
    """Which plugins serve, the folders they add to the PATH, and the line that tells the user about stand-ins."""

    kind: Kind
    bin_dirs: tuple[Path, ...] = ()
    note: str = ""


def installed_folder(name: str) -> Path:
    """Where the engine keeps a plugin of the version that the Python package was made for."""
    return paths.PULUMI_HOME / "plugins" / f"resource-{name}-v{version(PLUGINS[name])}"


def is_installed(name: str) -> bool:
    """Whether the published plugin is in the engine's home; `<folder>.partial` marks a download that was cut off."""
    folder = installed_folder(name)
    return (folder / f"pulumi-resource-{name}").exists() and not folder.with_name(
        folder.name + ".partial"
    ).exists()


def on_path(name: str) -> bool:
    """Whether a published plugin is on the user's PATH (the stand-ins are not published plugins)."""
    found = shutil.which(f"pulumi-resource-{name}")
    return found is not None and not Path(found).absolute().is_relative_to(paths.STAND_INS)


def download(name: str, pulumi: Path) -> bool:
    """Let the engine install a published plugin; whether it did."""
    environment = {**os.environ, "PULUMI_HOME": str(paths.PULUMI_HOME), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    log = paths.LOGS / f"plugin-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        try:
            done = subprocess.run(
                [str(pulumi), "plugin", "install", "resource", name, version(PLUGINS[name])],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and is_installed(name)


def stand_ins() -> Choice:
    """The stand-ins. Raises Problem where the clone has none."""
    missing = [
        name for name in PLUGINS if not os.access(paths.STAND_INS / f"pulumi-resource-{name}", os.X_OK)
    ]
    if missing:
        raise Problem(
            f"The plugin {missing[0]} can neither be downloaded nor found in {paths.relative(paths.STAND_INS)}: "
            "install it with `pulumi plugin install resource` where the network allows."
        )
    return Choice("stand-in", (paths.STAND_INS,), note=NOTE)


def provide(pulumi: Path) -> Choice:
    """Choose the plugins, both published or both stand-ins. Raises Problem."""
    wanted = os.environ.get(OVERRIDE, "")
    if wanted not in ("", "standin", "published"):
        raise UsageProblem(f"{OVERRIDE}={wanted} is not known: set it to standin or published, or unset it.")
    if wanted == "standin":
        return stand_ins()
    if all(on_path(name) or is_installed(name) for name in PLUGINS):
        return Choice("published")
    if reachable(DOWNLOADS):
        with locked(paths.TOOLCHAIN / "plugins.lock", "that downloads the plugins"):
            if all(on_path(name) or is_installed(name) or download(name, pulumi) for name in PLUGINS):
                return Choice("published")
    if wanted == "published":
        raise Problem(f"{OVERRIDE}=published, but the plugins are neither on the PATH nor downloadable here.")
    return stand_ins()
