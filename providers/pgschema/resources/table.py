"""`pgschema:index:Table`: a table, with the columns and constraints that it declares and no others."""

from __future__ import annotations

from typing import Any

from providers.kit.diffing import Change, Diff, structural
from providers.kit.errors import ProviderError
from providers.kit.inputs import dump
from providers.kit.resource import Context, Live, Resource
from providers.kit.values import Props, has_unknown, reveal
from providers.pgschema.database import Database
from providers.pgschema.definition import TableInputs

_NAMED_LISTS = ("columns", "uniqueConstraints")
# What says how to act, not what the table is: a change of it alone must reach the state, and nothing else.
_DEFAULTS = {"schema": "public", "adopt": False, "allowDataLoss": False, "onDelete": "keep"}


class Table(Resource[Database, TableInputs]):
    """A table of a Postgres database: columns, primary key, unique constraints, comment.

    It owns what it declares and leaves alone what others have added to the table. The preview shows the SQL; what loses data needs
    `allowDataLoss`.
    """

    token = "pgschema:index:Table"
    inputs = TableInputs
    output_types = {"adopted": "boolean"}
    changed_at = True

    def normalise(self, props: Props) -> Props:
        filled = {**_DEFAULTS, "primaryKey": [], "uniqueConstraints": [], **props}
        if isinstance(filled["columns"], list):
            filled["columns"] = [
                {"nullable": True, **column} if isinstance(column, dict) else column
                for column in filled["columns"]
            ]
        return filled

    def diff(self, old: Props, new: Props) -> Diff:
        if has_unknown(new):
            return structural(old, new)
        return _by_name(reveal(old), reveal(new))

    def preview(self, old: TableInputs | None, new: TableInputs, context: Context) -> None:
        from providers.pgschema.operations import change, create, render  # noqa: PLC0415 — slow, see there

        if old is not None:
            _refuse_losses(old, new)
        for statement in render(create(new) if old is None else change(old, new)):
            context.info(f"SQL: {statement}")

    def create(self, inputs: TableInputs, context: Context) -> tuple[str, dict[str, Any]]:
        from providers.pgschema.catalog import find, project  # noqa: PLC0415 — psycopg: not for a plain diff
        from providers.pgschema.operations import change, create  # noqa: PLC0415 — slow, see there

        with self.client.connection() as connection:
            found = find(connection, inputs.schema_, inputs.name)
            live = None if found is None else project(connection, found, inputs)
        if live is None:
            self.client.execute(create(inputs), f"create the table {inputs.id}")
            return inputs.id, {"adopted": False}
        if dump(live) == dump(inputs) and not inputs.adopt:
            # Made by an `up` that was killed before it could say so, or by hand to the letter: nothing to do either way.
            context.warn(
                f"The table {inputs.id} exists already, just as declared; it is managed by this stack from now on."
            )
            return inputs.id, {"adopted": False}
        if not inputs.adopt:
            raise ProviderError(
                f"The table {inputs.id} exists already and differs from what is declared; set adopt (usersTable.adopt in the "
                "stack's configuration) to take it over, or choose another name."
            )
        _refuse_losses(live, inputs)
        self.client.execute(change(live, inputs), f"change the table {inputs.id}")
        return inputs.id, {"adopted": True}

    def read(self, id: str, inputs: TableInputs | None, context: Context) -> Live | None:
        from providers.pgschema.catalog import find, project  # noqa: PLC0415 — psycopg: not for a plain diff

        schema, name = (inputs.schema_, inputs.name) if inputs else _parse_id(id)
        with self.client.connection() as connection:
            found = find(connection, schema, name)
            if found is None:
                return None
            live = project(connection, found, inputs) if inputs else found
        return Live(dump(live), {"adopted": bool(context.state.get("adopted", inputs is None))})

    def update(self, id: str, old: TableInputs, new: TableInputs, context: Context) -> dict[str, Any]:
        from providers.pgschema.operations import change  # noqa: PLC0415 — slow, see there

        _refuse_losses(old, new)
        operations = change(old, new)
        if operations:
            self.client.execute(operations, f"change the table {new.id}")
        return {"adopted": bool(context.state.get("adopted", False))}

    def delete(self, id: str, inputs: TableInputs, context: Context) -> None:
        from providers.pgschema.catalog import find  # noqa: PLC0415 — psycopg: not for a plain diff
        from providers.pgschema.operations import drop  # noqa: PLC0415 — slow, see there

        if inputs.on_delete == "keep" or context.state.get("adopted"):
            context.info(f"The table {inputs.id} and its rows stay in the database.")
            return
        with self.client.connection() as connection:
            if find(connection, inputs.schema_, inputs.name) is None:
                return
        self.client.execute(drop(inputs), f"drop the table {inputs.id}")


def _refuse_losses(old: TableInputs, new: TableInputs) -> None:
    from providers.pgschema.operations import losses  # noqa: PLC0415 — slow, see there

    lost = losses(old, new)
    if lost and not new.allow_data_loss:
        raise ProviderError(
            f"The change of {new.id} {' and '.join(lost)}, which loses data; set allowDataLoss to permit it."
        )


def _parse_id(id: str) -> tuple[str, str]:
    schema, dot, name = id.replace('"', "").partition(".")
    if not dot:
        raise ProviderError(f"The id of a table is schema.name, for example public.users, not {id!r}.")
    return schema, name


def _by_name(old: Props, new: Props) -> Diff:
    """A structural diff in which columns and constraints are matched by name: one put in between changes no other."""
    changes = dict(structural(_without_lists(old), _without_lists(new)).changes)
    for key in _NAMED_LISTS:
        before = {item["name"]: (place, item) for place, item in enumerate(old.get(key) or [])}
        after = {item["name"]: (place, item) for place, item in enumerate(new.get(key) or [])}
        for name, (place, item) in after.items():
            if name not in before:
                changes[f"{key}[{place}]"] = Change.ADD
                continue
            for path, kind in structural(before[name][1], item).changes.items():
                changes[f"{key}[{place}].{path}"] = kind
        changes |= {
            f"{key}[{place}]": Change.DELETE for name, (place, _) in before.items() if name not in after
        }
    return Diff(changes)


def _without_lists(props: Props) -> Props:
    return {key: value for key, value in props.items() if key not in _NAMED_LISTS}
