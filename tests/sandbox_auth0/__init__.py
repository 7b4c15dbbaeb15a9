"""Tests of the Auth0 tenant: they may know `sandbox.auth0` and independent clients of it, nothing of the stack."""
