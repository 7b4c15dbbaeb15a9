"""Stand-ins for the published plugins `auth0` and `postgresql`, for where those cannot be downloaded.

They offer the resource types that this stack uses, under the same tokens and property names, and send the same API calls and SQL;
a property beyond those is a check failure that says so. Built on `providers.kit`; know nothing else of the stack or the sandbox.
`bin/` goes on the PATH of the engine, which looks there for plugins.
"""
