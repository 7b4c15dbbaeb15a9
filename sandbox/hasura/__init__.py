"""A Hasura v2-compatible GraphQL engine and the part of Hasura Cloud's API that sets its environment.

What the room may know: the standard library, psycopg, graphql-core, joserfc, starlette, uvicorn and `sandbox.serving`. It imports
nothing of the stack; the stack meets it over HTTP and SQL as it meets the real engine. Two halves: metadata, server
and Cloud (`metadata/`, `server.py`, `engine.py`, `environment.py`, `cloud.py`, `run_sql.py`), and the GraphQL half
(`graphql/`, `catalog.py`, `authentication.py`), which the first calls and which knows nothing of it.
"""
