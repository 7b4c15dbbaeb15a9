"""One resource kind per file."""
