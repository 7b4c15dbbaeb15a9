"""What the two Actions add to a login: logins with both against logins with nothing bound, in turn."""

from __future__ import annotations

import statistics
import time

from benchmarks.figures import Figure
from benchmarks.ground import Ground
from ops.browser import Application, Browser
from ops.demo.people import Person

BLOCKS = 12
LOGINS = 6
BINDINGS = "actions/triggers/post-login/bindings"


def measure(ground: Ground) -> list[Figure]:
    """Median of a block with minus median of the neighbouring block without, in milliseconds."""
    person, *_ = ground.people(1)
    application = ground.application
    bound = [
        {"ref": {"type": "action_id", "value": item["action"]["id"]}, "display_name": item["display_name"]}
        for item in ground.tenant.bindings()
    ]
    having, lacking = [], []
    try:
        for _ in range(BLOCKS):
            ground.tenant.call("PATCH", BINDINGS, {"bindings": bound})
            having.append(_block(ground, application, person))
            ground.tenant.call("PATCH", BINDINGS, {"bindings": []})
            lacking.append(_block(ground, application, person))
    finally:
        ground.tenant.call("PATCH", BINDINGS, {"bindings": bound})
    added = [one - other for one, other in zip(having, lacking, strict=True)]
    without = statistics.median(lacking)
    note = f"login without: {without:.0f} ms, each of {BLOCKS} pairs a median of {LOGINS} logins"
    return [Figure("login: both Actions add", added, "ms", aim=40, note=note)]


def _block(ground: Ground, application: Application, person: Person) -> float:
    """Median milliseconds of logins through the login page, the first one not counted."""
    taken = []
    for _ in range(LOGINS + 1):
        browser = Browser(ground.ca_file)
        began = time.perf_counter()
        browser.log_in(application, person.email, person.password)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[1:])
