"""'Try your login' against a tenant and an engine of a few lines each; the real chain is tried by the integration tests."""
