"""What a change of the database means for the metadata.

Rule (Hasura's `RunSQL.hs`, `Schema/Diff.hs`): a tracked table that is gone is untracked; a dropped column or function
takes along what rests on it; both only if nothing else rests on them, or with `cascade`.
"""

from __future__ import annotations

from sandbox.hasura.catalog import Catalog
from sandbox.hasura.metadata.dependencies import Dependent, refuse_dependents, remove
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import not_simulated
from sandbox.hasura.metadata.names import Key, as_key, display

__all__ = ["Column", "follow_database", "refuse_renames"]

Column = tuple[str, str, str]
"""(schema, table, column)"""


def refuse_renames(draft: Draft, source: str, renames: list[tuple[Column, Column]]) -> None:
    """Raise a 501 `Fault` for a rename, as (old, new), that the real engine would carry into the metadata."""
    dependencies = draft.dependencies(source)
    for (schema, table, column), new in renames:
        if draft.find_table(source, (schema, table)) is None:
            continue
        if (schema, table) != new[:2]:
            raise not_simulated(f"renaming the tracked table {table}")
        if dependencies.of_column((schema, table), column):
            raise not_simulated(f"renaming the column {table}.{column}, which metadata names,")


def follow_database(draft: Draft, source: str, before: Catalog, after: Catalog, *, cascade: bool) -> None:
    """Take out of the draft what `after` no longer backs. Raises `Fault` (`dependency-error`) without `cascade`."""
    entry = draft.source(source)
    dependencies = draft.dependencies(source)
    tracked = [as_key(table["table"]) for table in entry["tables"]]
    gone = {key for key in tracked if key in before.tables and key not in after.tables}
    dependents: list[Dependent] = []
    for key in gone:
        dependents += dependencies.of_table(key)
    for key in tracked:
        if key in gone or key not in before.tables:
            continue
        for column in before.tables[key].columns:
            if column not in after.tables[key].columns:
                dependents += dependencies.of_column(key, column)
    functions, lost = _functions(draft, source, before, after)
    for name in lost:
        dependents += dependencies.of_function(name)
    dependents = [d for d in dict.fromkeys(dependents) if d.table not in gone or d.table is None]
    if dependents and not cascade:
        refuse_dependents(source, dependents, path="$")
    for dependent in [*dependents, *functions]:
        remove(entry, dependent)
    entry["tables"] = [table for table in entry["tables"] if as_key(table["table"]) not in gone]


def _functions(
    draft: Draft, source: str, before: Catalog, after: Catalog
) -> tuple[list[Dependent], set[Key]]:
    """Tracked functions that are gone, and all functions that are."""
    lost = before.functions.keys() - after.functions.keys()
    tracked = [
        Dependent(None, "functions", display(item["function"]))
        for item in draft.source(source).get("functions", [])
        if as_key(item["function"]) in lost
    ]
    return tracked, lost
