"""Tests of the Hasura sandbox."""
