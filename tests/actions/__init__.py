"""Runs the Actions' own tools, which speak JavaScript, under pytest. Knows `actions/` alone."""
