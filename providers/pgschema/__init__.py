"""Plugin `pgschema`: tables of a Postgres database as resources. Knows Postgres' DDL, and neither Auth0 nor Hasura.

definition.py    what a table is, as data: what is declared, and what is found
operations.py    what changes between two definitions: a list of Alembic operations; preview, update and tests share it
catalog.py       what is found: Postgres' system catalogs, and Postgres' own word on whether two spellings mean the same
database.py      the database: one transaction a change, under a lock timeout; failures as sentences
"""
