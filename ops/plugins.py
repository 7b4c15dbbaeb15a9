"""Where the provider plugins auth0 and postgresql come from: the published ones, else the sandbox's stand-ins.

`DEV_PLUGINS=standin` or `DEV_PLUGINS=published` decides instead of the search (for tests of either).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
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
# Go takes its certificate authorities from the keychain there, and SSL_CERT_FILE is not asked.
NOTE_MACOS = (
    "On macOS the published auth0 plugin cannot be told to trust the sandbox's certificate: the stand-ins in sandbox/plugins take "
    "its place (they serve the sandbox, not a real tenant)."
)


@dataclass(frozen=True)
class Choice:
    """Which plugins serve, the engine's home that has them, and the line that tells the user about stand-ins."""

    kind: Kind
    home: Path
    note: str = ""


def folder_in(home: Path, name: str) -> Path:
    """Where the engine looks for a plugin of the version that the Python package was made for."""
    return home / "plugins" / f"resource-{name}-v{version(PLUGINS[name])}"


def is_installed(name: str) -> bool:
    """Whether the published plugin is in the engine's home; `<folder>.partial` marks a download that was cut off."""
    folder = folder_in(paths.PULUMI_HOME, name)
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
    """The stand-ins, in a home of their own. Raises Problem where the clone has none.

    On the PATH they would work, too, but the engine warns about every plugin that it takes from there.
    """
    for name in PLUGINS:
        command = paths.STAND_INS / f"pulumi-resource-{name}"
        if not os.access(command, os.X_OK):
            raise Problem(
                f"The plugin {name} can neither be downloaded nor found in {paths.relative(paths.STAND_INS)}: "
                "install it with `pulumi plugin install resource` where the network allows."
            )
        place_launcher(folder_in(paths.STAND_IN_HOME, name) / command.name, command)
    return Choice("stand-in", paths.STAND_IN_HOME, NOTE)


def place_launcher(launcher: Path, command: Path) -> None:
    """A script that runs `command`; written anew where the clone has moved, whole or not at all."""
    text = f'#!/bin/sh\nexec {shlex.quote(str(command))} "$@"\n'
    if launcher.exists() and launcher.read_text(encoding="utf-8") == text:
        return
    launcher.parent.mkdir(parents=True, exist_ok=True)
    partial = launcher.with_name(f"{launcher.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o755)
    partial.replace(launcher)


def provide(pulumi: Path) -> Choice:
    """Choose the plugins, both published or both stand-ins. Raises Problem."""
    wanted = os.environ.get(OVERRIDE, "")
    if wanted not in ("", "standin", "published"):
        raise UsageProblem(f"{OVERRIDE}={wanted} is not known: set it to standin or published, or unset it.")
    if wanted == "standin":
        return stand_ins()
    if wanted == "" and sys.platform == "darwin":
        return replace(stand_ins(), note=NOTE_MACOS)
    if all(on_path(name) or is_installed(name) for name in PLUGINS):
        return Choice("published", paths.PULUMI_HOME)
    if reachable(DOWNLOADS):
        with locked(paths.TOOLCHAIN / "plugins.lock", "that downloads the plugins"):
            if all(on_path(name) or is_installed(name) or download(name, pulumi) for name in PLUGINS):
                return Choice("published", paths.PULUMI_HOME)
    if wanted == "published":
        raise Problem(f"{OVERRIDE}=published, but the plugins are neither on the PATH nor downloadable here.")
    return stand_ins()
