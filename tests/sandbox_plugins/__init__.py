"""The stand-ins over gRPC, against the sandbox's tenant over TLS and a real Postgres. May know `sandbox` and `providers/kit`.

The same tests say what the published plugins do: `PLUGINS_UNDER_TEST=FOLDER`, the folder of `pulumi-resource-auth0` and
`pulumi-resource-postgresql`, runs them against those. What only a stand-in promises is marked `stand_in_only`.
"""
