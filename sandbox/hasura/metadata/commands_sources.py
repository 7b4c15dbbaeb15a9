"""Commands about sources: `pg_add_source`, `pg_drop_source`, `pg_update_source`."""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical_source import source_configuration
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, already_exists, not_exists, not_simulated
from sandbox.hasura.metadata.names import require, require_text
from sandbox.hasura.metadata.registry import SUCCESS, backend_command, command

__all__: list[str] = []


def _find(draft: Draft, name: str) -> dict[str, Any] | None:
    return next((source for source in draft.metadata["sources"] if source["name"] == name), None)


def _refuse_extras(args: dict[str, Any]) -> None:
    for key in ("customization", "health_check"):
        if args.get(key):
            raise not_simulated(f"{key} of a source", path=f"$.args.{key}")


@backend_command("add_source")
def add_source(draft: Draft, args: Any) -> Any:
    """Add a database, or with `replace_configuration` change the connection of the one that is there."""
    name = require_text(args, "name")
    configuration = source_configuration(require(args, "configuration"), path="$.args.configuration")
    _refuse_extras(args)
    present = _find(draft, name)
    if present is None:
        draft.metadata["sources"].append(
            {"name": name, "kind": "postgres", "tables": [], "configuration": configuration}
        )
    elif args.get("replace_configuration"):
        present["configuration"] = configuration
    else:
        raise already_exists(f'source with name "{name}" already exists')
    draft.rebuild(ids.source_id(name))
    return SUCCESS


@backend_command("update_source")
def update_source(draft: Draft, args: Any) -> Any:
    """Change the connection of a source."""
    name = require_text(args, "name")
    _refuse_extras(args)
    present = _find(draft, name)
    if present is None:
        raise not_exists(f'source with name "{name}" does not exist')
    if args.get("configuration") is not None:
        present["configuration"] = source_configuration(args["configuration"], path="$.args.configuration")
    draft.rebuild(ids.source_id(name))
    return SUCCESS


@backend_command("drop_source")
def drop_source(draft: Draft, args: Any) -> Any:
    """Forget a source and everything that is tracked in it; the database is left alone."""
    name = require_text(args, "name")
    present = _find(draft, name)
    if present is None:
        raise not_exists(f'source with name "{name}" does not exist')
    if args.get("cascade") and draft.sources[name].catalog is None:
        raise Fault(f'source with name "{name}" is inconsistent', "unexpected")
    draft.metadata["sources"].remove(present)
    draft.rebuild(ids.source_id(name))
    return SUCCESS


command("drop_source")(drop_source)
