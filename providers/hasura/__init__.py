"""Plugin `hasura`: fragments of an engine's metadata, and the environment of a Hasura Cloud project.

This room knows Hasura's APIs and `providers/kit`; it knows nothing of the stack that uses it. Programs import `sdk.py` alone.
"""
