"""The sync Action, as deployed, against the bare upsert that a minimal client sends to the same engine."""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, ratios
from benchmarks.ground import Ground
from ops.errors import Problem

BLOCKS = 7
RUNS = 60
SCRIPT = Path(__file__).with_name("sync.js")
TIMEOUT_SECONDS = 120


def measure(ground: Ground) -> list[Figure]:
    """All inside one Node process, in turn: the handler from call to return, the upsert from request to parsed answer."""
    chain = ground.chain
    action = ground.deployed_action(chain["sync_action_id"])
    event = _event(chain["client_id"])
    headers, body = _bare_upsert(chain, action["secrets"], event)
    job = {
        **action,
        "event": event,
        "url": action["secrets"]["HASURA_GRAPHQL_URL"],
        "headers": headers,
        "body": json.dumps(body),
        "blocks": BLOCKS,
        "runs": RUNS,
    }
    done = subprocess.run(
        [str(ground.toolchain.node), str(SCRIPT)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Problem(f"The sync Action could not be measured: {done.stderr.strip()[-300:]}")
    found: dict[str, list[float]] = json.loads(done.stdout)
    ours, fetch, http = (statistics.median(found[name]) for name in ("action", "fetch", "http"))
    return [
        Figure(
            "sync: Action against the bare upsert",
            ratios(found["action"], found["fetch"]),
            "x",
            aim=1.2,
            note=f"{ours:.2f} ms against {fetch:.2f} ms by a bare fetch, medians of {RUNS} in turn, kept connections",
        ),
        Figure(
            "sync: Action against Node's plain http",
            ratios(found["action"], found["http"]),
            "x",
            note=f"{http:.2f} ms: what `fetch` itself costs is in this figure",
        ),
    ]


def _event(client_id: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "user": {
            "user_id": f"auth0|bench-{secrets.token_hex(8)}",
            "email": "bench@example.com",
            "name": "Bench",
            "picture": "https://example.com/bench.png",
            "updated_at": now,
        },
        "client": {"client_id": client_id},
        "transaction": {"protocol": "oidc-basic-profile"},
    }


def _bare_upsert(
    chain: dict[str, Any], action_secrets: dict[str, str], event: dict[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of the request that the Action sends for this event."""
    user, table = event["user"], chain["graphql_name"]
    values = {
        "email": user["email"],
        "name": user["name"],
        "picture": user["picture"],
        "auth0_updated_at": user["updated_at"],
        "last_login_at": user["updated_at"],
    }
    query = (
        f"mutation($object: {table}_insert_input!, $columns: [{table}_update_column!]!) {{ "
        f"insert_{table}(objects: [$object], on_conflict: {{constraint: {chain['constraint']}, update_columns: $columns}}) "
        f"{{ affected_rows }} }}"
    )
    headers = {
        "content-type": "application/json",
        "x-hasura-admin-secret": action_secrets["HASURA_GRAPHQL_ADMIN_SECRET"],
        "x-hasura-role": chain["sync_role"],
        "x-hasura-profile-updated-at": user["updated_at"],
    }
    row = {chain["key_column"]: user["user_id"], **values}
    return headers, {"query": query, "variables": {"object": row, "columns": list(values)}}
