"""Whether relationships and computed fields fit the database.

Rules: Hasura's `RQL/DDL/Relationship.hs` (a foreign key is named by its columns) and `RQL/DDL/ComputedField.hs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.hasura.catalog import Catalog
from sandbox.hasura.metadata.expressions import Fields, Unfit
from sandbox.hasura.metadata.names import Key, as_key, display

__all__ = ["check_computed_field", "check_relationship", "foreign_key_of"]


def _shown(key: Key) -> str:
    return display({"schema": key[0], "name": key[1]})


def foreign_key_of(using: Mapping[str, Any]) -> tuple[Key | None, tuple[str, ...]] | None:
    """The table (None: the relationship's own) and columns that `foreign_key_constraint_on` names, if it does."""
    target = using.get("foreign_key_constraint_on")
    if target is None:
        return None
    if isinstance(target, str):
        return None, (target,)
    if isinstance(target, list):
        return None, tuple(target)
    return as_key(target["table"]), tuple(target.get("columns") or [target["column"]])


def check_relationship(
    rel: Mapping[str, Any], kind: str, key: Key, tables: Mapping[Key, Fields], source: str
) -> Key:
    """The table that the relationship `rel` of the table `key` leads to. Raises `Unfit`."""
    fields = tables[key]
    if rel["name"] in fields.table.columns:
        raise Unfit("field definition conflicts with postgres column", in_context=False)
    if rel["name"] in fields.relationships:
        raise Unfit(f'conflicting definitions for field "{rel["name"]}"', in_context=False)
    foreign = foreign_key_of(rel["using"])
    if foreign is None:
        return _check_manual(rel["using"]["manual_configuration"], key, tables, source)
    holder, columns = foreign
    if holder is not None and holder not in tables:
        raise Unfit(f'table "{_shown(holder)}" does not exist in source: {source}')
    owner = tables[holder] if holder is not None else fields
    found = [
        foreign_key
        for foreign_key in owner.table.foreign_keys
        if set(foreign_key.columns) == set(columns)
        and (holder is None or foreign_key.referenced_table == key)
    ]
    if not found:
        raise Unfit("no foreign constraint exists on the given column(s)")
    if len(found) > 1:
        raise Unfit("more than one foreign key constraint exists on the given column(s)")
    target = found[0].referenced_table if holder is None else holder
    if target not in tables:
        raise Unfit(f'table "{_shown(target)}" is not tracked', in_context=False)
    return target


def _check_manual(manual: Mapping[str, Any], key: Key, tables: Mapping[Key, Fields], source: str) -> Key:
    target = as_key(manual["remote_table"])
    if target not in tables:
        raise Unfit(f'table "{_shown(target)}" is not tracked', in_context=False)
    for own, other in manual["column_mapping"].items():
        for table, column in ((key, own), (target, other)):
            if column not in tables[table].table.columns:
                raise Unfit(f'column "{column}" does not exist in table "{_shown(table)}"', in_context=False)
    return target


def check_computed_field(
    item: Mapping[str, Any], fields: Fields, tables: Mapping[Key, Fields], catalog: Catalog
) -> Key | None:
    """The table whose rows the computed field returns, None for a scalar. Raises `Unfit`."""
    if item["name"] in fields.table.columns:
        raise Unfit("field definition conflicts with postgres column")
    name = item["definition"]["function"]
    function = catalog.functions.get(as_key(name))
    if function is None:
        raise Unfit(f'no such function exists: "{display(name)}"')
    if function.volatility == "v":
        raise Unfit(
            f'the computed field "{item["name"]}" cannot be added to table "{fields.table.name}" because the'
            f' function "{display(name)}" is of type VOLATILE; cannot be added as a computed field'
        )
    own = (fields.table.schema, fields.table.name)
    wanted = item["definition"].get("table_argument")
    rows = [a for a in function.arguments if (a.name == wanted if wanted else a.table is not None)]
    if not rows or rows[0].table != own:
        raise Unfit(
            f'the computed field "{item["name"]}" cannot be added to table "{_shown(own)}" because'
            + (f' "{wanted}" is not an input argument of the function' if wanted and not rows else
               f' the function "{display(name)}" has no input argument of the table\'s row type')
            + (f' "{display(name)}"' if wanted and not rows else "")
        )  # fmt: skip
    session = item["definition"].get("session_argument")
    if session is not None and not any(a.name == session and a.type == "json" for a in function.arguments):
        raise Unfit(
            f'the computed field "{item["name"]}" cannot be added to table "{_shown(own)}" because "{session}"'
            f' argument of the function "{display(name)}" is not of type JSON'
        )
    if function.returns_table is not None:
        if function.returns_table not in tables:
            raise Unfit(
                f'the computed field "{item["name"]}" cannot be added to table "{_shown(own)}" because the table'
                f' "{_shown(function.returns_table)}" is not tracked'
            )
        return function.returns_table
    return None
