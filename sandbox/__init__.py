"""The outside world on localhost: Postgres, an Auth0 tenant and a Hasura engine, as separate processes.

Nothing in here imports the stack (settings, components, providers) and the stack imports nothing from here: they meet over HTTP
and SQL, as they would in the real world. The one exception is `sandbox.plugins`, whose plugins are built on `providers.kit`.
"""
