"""What changes between two definitions of a table: Alembic operations first, SQL second.

One list serves the preview (as text), the update (executed) and the tests. Alembic takes a third of a second to import, and a
deployment without changes never needs it: only calls that change something import this module.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.engine import Connection
from sqlalchemy.types import UserDefinedType

from providers.pgschema import definition

Operation = ops.MigrateOperation


class _Type(UserDefinedType[object]):
    """A Postgres type by its name, as declared (and validated there)."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        return self.name


def create(table: definition.TableInputs) -> list[Operation]:
    """The operations that make a table."""
    constraints: list[PrimaryKeyConstraint | UniqueConstraint | CheckConstraint] = []
    if table.primary_key:
        constraints.append(PrimaryKeyConstraint(*table.primary_key, name=table.primary_key_name))
    constraints += [UniqueConstraint(*item.columns, name=item.name) for item in table.unique_constraints]
    columns = [_column(column) for column in table.columns]
    return [
        ops.CreateTableOp(table.name, [*columns, *constraints], schema=table.schema_, comment=table.comment)
    ]


def drop(table: definition.TableInputs) -> list[Operation]:
    """The operations that drop a table. Without CASCADE: what others have built on it must stop the drop."""
    return [ops.DropTableOp(table.name, schema=table.schema_)]


def change(old: definition.TableInputs, new: definition.TableInputs) -> list[Operation]:
    """The operations that turn one definition into the other. What `old` does not name is not touched."""
    return [
        *_moved(old, new),
        *_constraints_dropped(old, new),
        *_columns(old, new),
        *_constraints_added(old, new),
        *_comment(old, new),
    ]


def losses(old: definition.TableInputs, new: definition.TableInputs) -> list[str]:
    """What of the change may lose data, as phrases."""
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    dropped = [f"drops the column {name}" for name in before if name not in after]
    retyped = [
        f"changes the type of {name} from {before[name].type} to {column.type}"
        for name, column in after.items()
        if name in before and not _widens(before[name].type, column.type)
    ]
    return dropped + retyped


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is a value of the new one. Unlisted pairs count as a loss."""
    before, after = old.lower(), new.lower()
    if before == after or {before, after} <= {"timestamptz", "timestamp with time zone"}:
        return True
    if after == "text":
        return before.startswith(("varchar", "character varying", "char", "citext", "uuid"))
    chain = ("smallint", "int2"), ("integer", "int", "int4"), ("bigint", "int8"), ("numeric",)
    places = [next((i for i, names in enumerate(chain) if name in names), -1) for name in (before, after)]
    return 0 <= places[0] <= places[1]


def render(operations: Sequence[Operation]) -> list[str]:
    """The SQL of operations, a statement an item, without trailing semicolons."""
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": buffer}
    )
    statements: list[str] = []
    for operation in operations:
        Operations(context).invoke(operation)
        statements += [part.strip() for part in buffer.getvalue().split(";\n") if part.strip()]
        buffer.seek(0)
        buffer.truncate()
    return statements


def execute(operations: Sequence[Operation], connection: Connection) -> None:
    """Carry operations out on a connection, inside its transaction."""
    context = MigrationContext.configure(connection)
    for operation in operations:
        Operations(context).invoke(operation)


def _column(column: definition.Column) -> Column[object]:
    default = None if column.default is None else text(column.default)
    return Column(
        column.name,
        _Type(column.type),
        nullable=column.nullable,
        server_default=default,
        comment=column.comment,
    )


def _moved(old: definition.TableInputs, new: definition.TableInputs) -> Iterator[Operation]:
    if old.schema_ != new.schema_:
        yield ops.ExecuteSQLOp(
            f"ALTER TABLE {_quoted(old.schema_)}.{_quoted(old.name)} SET SCHEMA {_quoted(new.schema_)}"
        )
    if old.name != new.name:
        yield ops.RenameTableOp(old.name, new.name, schema=new.schema_)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _constraints_dropped(old: definition.TableInputs, new: definition.TableInputs) -> Iterator[Operation]:
    wanted = {item.name: item.columns for item in new.unique_constraints}
    for item in old.unique_constraints:
        if wanted.get(item.name) != item.columns:
            yield ops.DropConstraintOp(item.name, new.name, type_="unique", schema=new.schema_)
    if old.primary_key and old.primary_key != new.primary_key:
        yield ops.DropConstraintOp(old.primary_key_name, new.name, type_="primary", schema=new.schema_)


def _constraints_added(old: definition.TableInputs, new: definition.TableInputs) -> Iterator[Operation]:
    if new.primary_key and old.primary_key != new.primary_key:
        yield ops.CreatePrimaryKeyOp(new.primary_key_name, new.name, new.primary_key, schema=new.schema_)
    existing = {item.name: item.columns for item in old.unique_constraints}
    for item in new.unique_constraints:
        if existing.get(item.name) != item.columns:
            yield ops.CreateUniqueConstraintOp(item.name, new.name, item.columns, schema=new.schema_)


def _columns(old: definition.TableInputs, new: definition.TableInputs) -> Iterator[Operation]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    for name in before:
        if name not in after:
            yield ops.DropColumnOp(new.name, name, schema=new.schema_)
    for name, column in after.items():
        if name not in before:
            yield ops.AddColumnOp(new.name, _column(column), schema=new.schema_)
        elif column != before[name]:
            yield _altered(new, before[name], column)


def _altered(table: definition.TableInputs, old: definition.Column, new: definition.Column) -> Operation:
    arguments: dict[str, Any] = {}
    if old.type != new.type:
        # Postgres only casts by itself where nothing can fail; USING says that a cast is meant.
        arguments |= {"modify_type": _Type(new.type), "postgresql_using": f"{_quoted(new.name)}::{new.type}"}
    if old.nullable != new.nullable:
        arguments["modify_nullable"] = new.nullable
    if old.default != new.default:
        arguments["modify_server_default"] = None if new.default is None else text(new.default)
    if old.comment != new.comment:
        arguments["modify_comment"] = new.comment
    return ops.AlterColumnOp(
        table.name, new.name, schema=table.schema_, existing_type=_Type(old.type), **arguments
    )


def _comment(old: definition.TableInputs, new: definition.TableInputs) -> Iterator[Operation]:
    if old.comment != new.comment:
        if new.comment is None:
            yield ops.DropTableCommentOp(new.name, schema=new.schema_)
        else:
            yield ops.CreateTableCommentOp(new.name, new.comment, schema=new.schema_)
