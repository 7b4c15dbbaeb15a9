"""The order of the two Actions in the login flow.

A binding can only be appended (`auth0_trigger_action` reads the tenant's list and writes it back with its own entry at the end). So
where the sync Action's binding was removed by hand and a deployment makes it anew, it lands behind the claims Action's.
"""

from __future__ import annotations

from typing import Any

from proof.chain import Chain
from proof.http import Management, management_of

LINK = "login flow"
BINDINGS = "actions/triggers/post-login/bindings"


def bound_actions(management: Management) -> list[dict[str, Any]]:
    """The bindings of the post-login trigger in the order in which they run."""
    listed: list[dict[str, Any]] = management.call(LINK, "GET", f"{BINDINGS}?per_page=100")["bindings"]
    return listed


def put_sync_first(chain: Chain) -> bool:
    """Swap the two Actions where the claims run first; the places of others' stay. Whether there was anything to do."""
    management = management_of(chain)
    bindings = bound_actions(management)
    order = [binding["action"]["id"] for binding in bindings]
    ours = (chain.sync_action_id, chain.claims_action_id)
    if not all(action in order for action in ours) or order.index(ours[0]) < order.index(ours[1]):
        return False
    first, second = order.index(ours[1]), order.index(ours[0])
    bindings[first], bindings[second] = bindings[second], bindings[first]
    body = [
        {"display_name": item["display_name"], "ref": {"type": "action_id", "value": item["action"]["id"]}}
        for item in bindings
    ]
    management.call(LINK, "PATCH", BINDINGS, {"bindings": body})
    return True
