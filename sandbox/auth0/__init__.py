"""Auth0 tenant on localhost: Management API, Authentication API, login page, Actions runtime.

May know: the standard library, starlette, `sandbox.serving`, and what the real tenant does (recorded answers, documented
behaviour). Imports nothing of the stack. `management/` and `authentication/` meet in `store.py`, `tenant.py`
and the few functions that each of them names in its package docstring.
"""
