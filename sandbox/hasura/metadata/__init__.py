"""The metadata API of the engine: what is stored, in which form, and the commands that change it.

The form is Hasura's metadata v3 as `export_metadata` writes it (`canonical`); commands change a copy of it (`draft`),
`consistency` says which objects the databases cannot back, and `storage` keeps it in the metadata database.
The room may import `sandbox.hasura.catalog` for the shape of a database; it knows nothing of HTTP.
"""
