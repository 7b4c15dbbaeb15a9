"""The stack's whole life on the real engine, against a sandbox of its own: what users live through with `pulumi up`."""
