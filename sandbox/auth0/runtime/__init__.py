"""Actions runtime: runs the bound Actions of a trigger in Node and says what they decided.

May know: `sandbox.auth0.store` and `tenant`, and Node. Knows neither HTTP nor tokens: `authentication/` builds
the event and applies the outcome. `await run_post_login(tenant, actions, event)` gives an `Outcome`,
`await run_test(tenant, action_doc, payload)` what the Management API's test call answers. One Node process per
run, one of them started ahead (`pool.py`); `runner.js` is the process, `api.js` the `api` object in it.
"""

from __future__ import annotations

from sandbox.auth0.runtime.executor import TIME_LIMIT_KEY, run_post_login, run_test, run_trigger, warm
from sandbox.auth0.runtime.outcome import ActionResult, Outcome

__all__ = [
    "TIME_LIMIT_KEY",
    "ActionResult",
    "Outcome",
    "run_post_login",
    "run_test",
    "run_trigger",
    "warm",
]
