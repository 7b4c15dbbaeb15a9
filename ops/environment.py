"""The environment in which the Pulumi engine runs: none of the user's own settings for other stacks, state in one folder.

Source: facts about the engine's variables, https://www.pulumi.com/docs/iac/cli/environment-variables/.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ops import paths

if TYPE_CHECKING:
    from ops.toolchain import Toolchain

# A shell set up for a real tenant or database must not leak into a stack that runs against the sandbox:
# the plugins read these before (auth0) or beside (postgresql) their configuration.
FOREIGN_PREFIXES = ("PULUMI_", "AUTH0_", "PG", "HASURA_")
CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
LOOPBACK = ("localhost", "127.0.0.1")
# The last one would have every plugin compile its modules at every start.
FOREIGN_NAMES = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONDONTWRITEBYTECODE"}


def is_foreign(name: str) -> bool:
    """Whether a variable of the user's shell is kept away from the engine."""
    return name in FOREIGN_NAMES or name.startswith(FOREIGN_PREFIXES)


def without_foreign(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what belongs to other stacks and other Pythons."""
    return {name: value for name, value in environ.items() if not is_foreign(name)}


def for_loopback(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a client of the sandbox: no proxy for the loopback, no bundle that hides the sandbox's CA.

    `requests` prefers `REQUESTS_CA_BUNDLE` to a session's own `verify`, and sends even localhost to a proxy.
    """
    environment = {name: value for name, value in environ.items() if name not in CA_BUNDLES}
    hosts = [
        *filter(None, environment.get("NO_PROXY", environment.get("no_proxy", "")).split(",")),
        *LOOPBACK,
    ]
    environment["NO_PROXY"] = environment["no_proxy"] = ",".join(dict.fromkeys(hosts))
    return environment


def trust_sandbox(ca_file: str) -> None:
    """Make `requests` in this process trust the sandbox's CA and reach the loopback without a proxy."""
    environment = for_loopback(os.environ)
    os.environ.clear()
    os.environ.update(environment, REQUESTS_CA_BUNDLE=ca_file)


def engine_environment(toolchain: Toolchain, state_dir: Path, passphrase: str) -> dict[str, str]:
    """All variables for `pulumi` and the programs and plugins that it starts.

    `state_dir`: the folder whose `pulumi/` holds the stacks' state (made where missing). `passphrase` encrypts their secrets.
    The result is a whole environment, for `subprocess` or for `LocalWorkspaceOptions(env_vars=…)`.
    """
    backend = state_dir.resolve() / "pulumi"
    backend.mkdir(parents=True, exist_ok=True)
    toolchain.home.mkdir(parents=True, exist_ok=True)
    environment = for_loopback(without_foreign(os.environ))
    first = [paths.VENV_BIN, *toolchain.bin_dirs]
    environment.update(
        PATH=os.pathsep.join([*map(str, first), environment.get("PATH", os.defpath)]),
        VIRTUAL_ENV=str(paths.VENV),
        PULUMI_HOME=str(toolchain.home),
        PULUMI_BACKEND_URL=backend.as_uri(),
        PULUMI_CONFIG_PASSPHRASE=passphrase,
        PULUMI_SKIP_UPDATE_CHECK="true",
        # `ensure` has provided all plugins: the engine need not wait for a download that cannot succeed.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true",
        # The language host built from Go modules knows no `virtualenv` option: it takes this Python.
        PULUMI_PYTHON_CMD=str(paths.VENV_BIN / "python"),
    )
    if toolchain.ignores_path:
        environment["PULUMI_IGNORE_AMBIENT_PLUGINS"] = "true"
    return environment
