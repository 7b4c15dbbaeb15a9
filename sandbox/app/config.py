"""The application's settings: one JSON file that `./dev demo` writes and every request reads again.

Read each time, so that a page opened before the demo works after it, and a second `./dev demo` needs no restart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path

from sandbox.errors import SandboxError

__all__ = ["AppConfig", "ConfigMissingError", "load"]


class ConfigMissingError(SandboxError):
    """There is no file yet: nothing was deployed."""


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """Where this application logs in, and where its users' data is."""

    domain: str
    """Auth0 tenant, host with an optional port: `localhost:8443`."""
    client_id: str
    client_secret: str = field(repr=False)
    audience: str
    """Identifier of the API. Without it Auth0 issues an opaque access token, which Hasura cannot read."""
    hasura_url: str
    """Without a path: `http://127.0.0.1:8080`."""
    ca_file: str | None = None
    """Certificate authority of the tenant; None where the system's list knows it."""

    @property
    def issuer(self) -> str:
        """Auth0's issuer ends with a slash."""
        return f"https://{self.domain}/"

    @property
    def graphql_url(self) -> str:
        return f"{self.hasura_url.rstrip('/')}/v1/graphql"


def load(path: Path) -> AppConfig:
    """Read the settings.

    :raises ConfigMissingError: there is no such file
    :raises SandboxError: the file cannot be used
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigMissingError(
            "Nothing is deployed yet. Run `./dev demo` first, then reload this page."
        ) from None
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"The settings in {path.name} cannot be read ({type(error).__name__}). Run `./dev demo` again."
        ) from error
    values = {} if not isinstance(found, dict) else found
    known = {each.name for each in fields(AppConfig)}
    missing = [
        name
        for name in sorted(known - {"ca_file"})
        if not isinstance(values.get(name), str) or not values[name]
    ]
    if missing:
        raise SandboxError(f"The settings in {path.name} lack {', '.join(missing)}. Run `./dev demo` again.")
    return AppConfig(**{name: value for name, value in values.items() if name in known})
