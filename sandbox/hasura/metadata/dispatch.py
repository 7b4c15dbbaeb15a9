"""From a request of the metadata API to the command that it names, bulks included.

Rule (Hasura's `Server/API/Metadata.hs`): an unknown type is a parse failure; a bulk is one change with one new resource
version; `bulk_keep_going` puts errors in the place of answers; `bulk_atomic` takes relationship commands only and
answers once.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from sandbox.hasura.metadata import (  # noqa: F401 - the modules register their commands
    commands_fields,
    commands_functions,
    commands_permissions,
    commands_sources,
    commands_tables,
    commands_whole,
)
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, key_error, not_simulated, parse_failed
from sandbox.hasura.metadata.names import kind_of
from sandbox.hasura.metadata.registry import COMMANDS, NOT_SIMULATED, SUCCESS, Command

__all__ = ["changes_metadata", "execute"]

_log = logging.getLogger("sandbox.hasura")
_BULKS = ("bulk", "bulk_keep_going", "bulk_atomic")
_VERSION_2 = {
    "export_metadata": Command(commands_whole.export_metadata_v2, changes=False),
    "replace_metadata": Command(commands_whole.replace_metadata_v2),
}


def _type_of(request: object) -> tuple[str, int]:
    if not isinstance(request, dict):
        raise parse_failed(
            f"parsing RQLMetadata failed, expected Object, but encountered {kind_of(request)}", path="$"
        )
    if "type" not in request:
        raise key_error("type", path="$")
    kind, version = request["type"], request.get("version") or 1
    if not isinstance(kind, str):
        raise parse_failed(
            f"parsing Text failed, expected String, but encountered {kind_of(kind)}", path="$.type"
        )
    if version not in (1, 2):
        raise parse_failed("expected 1 or 2", path="$.version")
    return kind, version


def _command(kind: str, version: int) -> Command:
    if version == 2:
        if kind not in _VERSION_2:
            raise parse_failed(
                f'The value "{kind}" did not match any of the version 2 commands: replace_metadata,'
                " export_metadata",
                path="$.type",
            )
        return _VERSION_2[kind]
    found = COMMANDS.get(kind)
    if found is not None:
        return found
    if kind in NOT_SIMULATED:
        _log.warning("metadata command %s is not simulated", kind)
        raise not_simulated(kind)
    prefix, _, name = kind.partition("_")
    if prefix in ("pg", "postgres"):
        raise parse_failed(f'unknown metadata command "{name}" for backend postgres', path="$")
    raise parse_failed(
        f'unknown metadata command "{kind}"; "{prefix}" was not recognized as a valid backend name', path="$"
    )


def changes_metadata(request: object) -> bool:
    """Whether the request, if it succeeds, makes a new version of the metadata. Raises `Fault` as `execute`."""
    kind, version = _type_of(request)
    assert isinstance(request, dict)  # noqa: S101 - _type_of() has seen to it
    if kind in _BULKS:
        return any(changes_metadata(item) for item in _items(request))
    return _command(kind, version).changes


def _items(request: dict[str, Any]) -> list[Any]:
    args = request.get("args")
    if not isinstance(args, list):
        raise parse_failed(
            f"parsing [] failed, expected Array, but encountered {kind_of(args)}", path="$.args"
        )
    return args


def execute(draft: Draft, request: object) -> Any:
    """Run the request on the draft; the JSON of the answer. Raises `Fault`."""
    kind, version = _type_of(request)
    assert isinstance(request, dict)  # noqa: S101 - _type_of() has seen to it
    if kind == "bulk":
        return [_inside(draft, item, index) for index, item in enumerate(_items(request))]
    if kind == "bulk_keep_going":
        return [_tolerant(draft, item, index) for index, item in enumerate(_items(request))]
    if kind == "bulk_atomic":
        return _atomic(draft, _items(request))
    found = _command(kind, version)
    if "args" not in request and found.changes and kind not in ("clear_metadata", "reload_metadata"):
        raise key_error("args", path="$")
    return found.run(draft, request.get("args", {}))


def _inside(draft: Draft, request: object, index: int) -> Any:
    try:
        return copy.deepcopy(execute(draft, request))
    except Fault as fault:
        raise fault.under(f"$.args[{index}]") from None


def _tolerant(draft: Draft, request: object, index: int) -> Any:
    earlier = copy.deepcopy(draft.metadata)
    try:
        return _inside(draft, request, index)
    except Fault as fault:
        draft.restore(earlier)
        return fault.body()


def _atomic(draft: Draft, requests: list[Any]) -> Any:
    for request in requests:
        kind, version = _type_of(request)
        if version != 1 or kind not in COMMANDS or not COMMANDS[kind].atomic:
            raise Fault("Bulk atomic does not support this command", "unexpected", status=500)
    for index, request in enumerate(requests):
        _inside(draft, request, index)
    return SUCCESS
