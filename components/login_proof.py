"""The end of a deployment: the way of a login is proved, and a deployment that would not sync fails."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi


class Changes:
    """Notices whether this `up` has made or changed anything: `hooks` belong to every resource on the way of a login.

    A repair of drift changes resources and not one word of the program: without this nobody would prove its result.
    """

    def __init__(self, name: str) -> None:
        self.noticed = False

        def notice(_: pulumi.ResourceHookArgs) -> None:
            self.noticed = True

        # In a preview, too: it must say that the way will be proved again.
        always = pulumi.ResourceHookOptions(on_dry_run=True)
        hook = pulumi.ResourceHook(f"{name}-changes", notice, always)
        self.hooks = pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])


@dataclass(frozen=True, kw_only=True)
class LoginProofArgs:
    """`way`: everything that the way of a login is made of; when it changes, the way is proved again, and so it is when `changes`
    were noticed. `prove`: does it, with the resolved `chain` as its argument, and raises where a link is broken. `after`: what must
    exist before."""

    way: pulumi.Input[Any]
    changes: Changes
    chain: pulumi.Output[dict[str, Any]]
    prove: Callable[[dict[str, Any]], None]
    after: Sequence[pulumi.Resource]


class LoginProof(pulumi.ComponentResource):
    """Proves the way of a login during every `up` that changed it.

    The proof is a *before* hook of a value that stands for the way: as long as the proof fails, the value does not reach the state,
    and the next `up` proves again. (An after hook would fail once and be quiet ever after.)
    """

    def __init__(self, name: str, args: LoginProofArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("auth0-hasura:index:LoginProof", name, None, opts)

        async def prove(_: pulumi.ResourceHookArgs) -> None:
            chain = await args.chain.future()
            # requests and psycopg block: in a thread, so that the engine's other calls are answered meanwhile
            await asyncio.get_running_loop().run_in_executor(None, args.prove, chain or {})

        # Kept in the state, where whoever may read its secrets finds it, for a proof at any other time (`./dev verify`). As an
        # output of the stack it would hold back all the others until everything is deployed.
        pulumi.Stash(f"{name}-chain", input=args.chain, opts=pulumi.ResourceOptions(parent=self))
        hook = pulumi.ResourceHook(f"{name}-proof", prove)
        revision = pulumi.Stash(
            f"{name}-revision",
            input=secrets.token_hex(8),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=list(args.after), transforms=[_kept_unless(args.changes)]
            ),
        ).input
        # Secret, because the admin secret is part of what is hashed: a short one could be guessed from the hash.
        digest: pulumi.Output[str] = pulumi.Output.json_dumps([args.way, revision]).apply(_digest)
        way: pulumi.Output[str] = pulumi.Output.secret(digest)
        pulumi.Stash(
            name,
            input=way,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.after),
                hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
            ),
        )
        self.register_outputs({})


def _kept_unless(changes: Changes) -> pulumi.ResourceTransform:
    """The value in the state stays, unless there were changes. Asked when the resource's turn comes, after all it depends on."""

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        kept = pulumi.ResourceOptions(ignore_changes=[] if changes.noticed else ["input"])
        return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, kept))

    return transform


def _digest(text: str) -> str:
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16]
