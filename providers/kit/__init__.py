"""Pulumi's provider protocol <-> plain Python. Knows no product.

A provider is a folder beside this one:

    providers/NAME/
        provider.py              the configuration model, `connect`, the list of resources
        resources/KIND.py        one class a resource kind (subclass of `resource.Resource`)
        sdk.py                   `pulumi.CustomResource` classes for programs; imports nothing of the plugin
        __main__.py              entry point: `from providers.kit.protos import load_bare; load_bare(); ... serve(...)`
        pulumi-resource-NAME     how the engine starts it (sh)
        PulumiPlugin.yaml        the same for engines that start Python plugins themselves

A resource kind in short:

    class TableInputs(Inputs):
        name: str

    class Table(Resource[Client, TableInputs]):
        '''A table of a Postgres database.'''
        token = "pgschema:index:Table"
        inputs = TableInputs
        replace_on = frozenset({"name"})

        def create(self, inputs, context): ...   -> id, further outputs
        def read(self, id, inputs, context): ... -> Live(...) or None
        def update(self, id, old, new, context): ...
        def delete(self, id, inputs, context): ...

Expected failures are `errors.ProviderError` with one sentence. Modules here may import grpc, protobuf, pydantic and the SDK's
generated protocol classes, nothing else: a plugin's start-up time is part of every deployment.
"""
