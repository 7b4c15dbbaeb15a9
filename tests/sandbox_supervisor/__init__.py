"""The processes of the sandbox together: start, status, stop, and no orphans."""
