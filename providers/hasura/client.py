"""The metadata API of one GraphQL engine (`/v1/metadata`), as far as this plugin needs it.

Source: https://hasura.io/docs/2.0/api-reference/metadata-api/. Any error is an answer with `error` and `code`; a write names the
`resource_version` that it rests on and is refused with 409 when somebody else was faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from providers.hasura.transport import Answer, Http, Patience
from providers.kit.errors import ProviderError

Json = dict[str, Any]


class StaleError(Exception):
    """The metadata has changed since it was exported."""


class InconsistentError(Exception):
    """A strict write was refused: with it these objects would be inconsistent. Nothing was written."""

    def __init__(self, objects: list[Json]) -> None:
        super().__init__("inconsistent metadata")
        self.objects = objects


@dataclass(frozen=True)
class Exported:
    """Metadata and the version that a write must name."""

    metadata: Json = field(repr=False)
    version: int = 0


class EngineClient:
    """Talks to the engine at `endpoint` as admin. `writing` serialises the writes of one plugin process."""

    def __init__(self, endpoint: str, admin_secret: str | None) -> None:
        headers = {"x-hasura-admin-secret": admin_secret} if admin_secret else {}
        self.http = Http(f"Hasura at {endpoint}", endpoint, headers)
        self.writing = Lock()

    def export(self, patience: Patience) -> Exported:
        """The whole metadata."""
        body = self._command({"type": "export_metadata", "version": 2, "args": {}}, patience)
        if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
            raise ProviderError(
                f"{self.http.name} did not answer with metadata; it must be version 2 of Hasura."
            )
        return Exported(body["metadata"], body["resource_version"])

    def replace(self, metadata: Json, version: int, *, strict: bool, patience: Patience) -> list[Json]:
        """Write the whole metadata; answers the objects that are inconsistent now.

        Raises `StaleError`, and `InconsistentError` for a strict write that would leave anything inconsistent.
        """
        args = {"allow_inconsistent_metadata": not strict, "metadata": metadata}
        command = {"type": "replace_metadata", "version": 2, "resource_version": version, "args": args}
        body = self._command(command, patience)
        return list(body.get("inconsistent_objects") or []) if isinstance(body, dict) else []

    def inconsistent(self, patience: Patience) -> list[Json]:
        """The objects that are inconsistent now."""
        body = self._command({"type": "get_inconsistent_metadata", "args": {}}, patience)
        return list(body.get("inconsistent_objects") or []) if isinstance(body, dict) else []

    def reload(self, sources: list[str], patience: Patience) -> None:
        """Let the engine look at these databases again: it remembers the tables and columns it saw last."""
        self._command({"type": "reload_metadata", "args": {"reload_sources": sources}}, patience)

    def healthy(self, patience: Patience) -> bool:
        """Whether the engine serves."""
        return self.http.send("GET", "/healthz", None, patience).status == 200

    def jwt_configured(self, patience: Patience) -> bool | None:
        """Whether the engine checks JWTs; None where it does not say."""
        answer = self.http.send("GET", "/v1alpha1/config", None, patience)
        value = answer.part("is_jwt_set") if answer.status == 200 else None
        return value if isinstance(value, bool) else None

    def _command(self, command: Json, patience: Patience) -> Any:
        answer = self.http.send("POST", "/v1/metadata", command, patience)
        if answer.status == 200 and answer.part("error") is None:
            return answer.body
        raise self._failure(command["type"], answer)

    def _failure(self, command: str, answer: Answer) -> Exception:
        said, code = answer.part("error"), answer.part("code")
        if answer.status == 409 or code == "conflict":
            return StaleError()
        if isinstance(said, str) and "inconsistent metadata" in said:
            internal = answer.part("internal")
            return InconsistentError([item for item in internal or [] if isinstance(item, dict)])
        if answer.status == 401 or (code == "access-denied" and "admin" in str(said)):
            return ProviderError(
                f"{self.http.name} refused the admin secret: set the provider's adminSecret to the engine's."
            )
        if not isinstance(said, str):
            return ProviderError(
                f"{self.http.name} answered {answer.status} to {command}, and not as Hasura does: is the endpoint right?"
            )
        place = f" (at {answer.part('path')})" if answer.part("path") not in (None, "$") else ""
        return ProviderError(f"{self.http.name} refused {command}: {said}{place}.")
