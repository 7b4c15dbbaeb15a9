"""`hasura:index:CloudEnvironment`: some environment variables of a Hasura Cloud project, live and healthy when done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator

from providers.hasura.client import EngineClient
from providers.hasura.clients import Clients
from providers.hasura.cloud_client import CloudError, Environment
from providers.hasura.transport import Patience
from providers.kit.errors import PartialError, ProviderError
from providers.kit.inputs import Inputs, dump
from providers.kit.resource import Context, Live, Resource
from providers.kit.values import UNKNOWN, Props, Secret

PATIENCE = 180.0  # seconds; a Cloud project restarts its workers one after the other
SETTLING = 15.0  # seconds; a worker that says for so long that it failed will not come round
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JWT = ("HASURA_GRAPHQL_JWT_SECRET", "HASURA_GRAPHQL_JWT_SECRETS")


class CloudEnvironmentInputs(Inputs):
    """What a program declares."""

    project_id: str = Field(
        description="Id of the project's tenant, a UUID: what Hasura Cloud calls tenant id."
    )
    variables: dict[str, str] = Field(
        description="Variables by name. Their values are secrets, whatever the program says.", min_length=1
    )
    adopt: bool = Field(False, description="Overwrite variables that exist already with other values.")

    @field_validator("variables")
    @classmethod
    def _names(cls, value: dict[str, str]) -> dict[str, str]:
        bad = [name for name in value if not _NAME.fullmatch(name)]
        if bad:
            raise ValueError(f"{bad[0]} is no name of an environment variable (letters, digits and _)")
        return value


class CloudEnvironment(Resource[Clients, CloudEnvironmentInputs]):
    """Environment variables of a Hasura Cloud project: owns the variables that it names and leaves the others alone."""

    token = "hasura:index:CloudEnvironment"
    inputs = CloudEnvironmentInputs
    replace_on = frozenset({"projectId"})
    output_types: ClassVar[dict[str, str]] = {"adopted": "array"}
    changed_at = True

    def normalise(self, props: Props) -> Props:
        """Every value is a secret of its own, so that a preview shows the names."""
        variables = props.get("variables")
        if isinstance(variables, Secret):
            variables = variables.value
        if isinstance(variables, dict):
            variables = {name: _secret(value) for name, value in sorted(variables.items())}
        adopt = {"adopt": props["adopt"]} if props.get("adopt") not in (None, False) else {}
        return {"projectId": props.get("projectId"), "variables": variables, **adopt}

    def create(self, inputs: CloudEnvironmentInputs, context: Context) -> tuple[str, dict[str, Any]]:
        """Set the variables and wait for the engine that has them."""
        patience = self._patience(context)
        before = self.client.cloud.environment(inputs.project_id, patience)
        same = sorted(name for name, value in inputs.variables.items() if before.variables.get(name) == value)
        # all of them there: an own deployment that broke off before its state was saved
        outputs = {"adopted": [] if len(same) == len(inputs.variables) else same}
        self._apply(inputs, patience, old={}, gone=[], outputs=outputs, id=inputs.project_id)
        return inputs.project_id, outputs

    def read(self, id: str, inputs: CloudEnvironmentInputs | None, context: Context) -> Live | None:
        """The own variables as they are. In an import the id is PROJECT, or PROJECT/NAME,NAME for some variables only."""
        project, _, names = id.partition("/")
        patience, cloud = self._patience(context), self.client.cloud
        try:
            live = cloud.environment(project, patience).variables
        except CloudError:
            if cloud.endpoint(project, patience) is None:
                return None
            raise
        wanted = list(inputs.variables) if inputs else names.split(",") if names else list(live)
        found = {name: live[name] for name in wanted if name in live}
        if not found:
            return None
        adopt = {"adopt": True} if inputs and inputs.adopt else {}
        adopted = {"adopted": context.state.get("adopted") or []}
        return Live({"projectId": project, "variables": found, **adopt}, adopted)

    def update(
        self, id: str, old: CloudEnvironmentInputs, new: CloudEnvironmentInputs, context: Context
    ) -> dict[str, Any]:
        """Set what differs, remove what is declared no more, and wait."""
        adopted = [name for name in context.state.get("adopted") or [] if name in new.variables]
        gone = [
            name
            for name in old.variables
            if name not in new.variables and name not in (context.state.get("adopted") or [])
        ]
        outputs = {"adopted": adopted}
        self._apply(new, self._patience(context), old=old.variables, gone=gone, outputs=outputs, id=id)
        return outputs

    def delete(self, id: str, inputs: CloudEnvironmentInputs, context: Context) -> None:
        """Remove the own variables; those that were there before, with the same values, stay."""
        patience, project = self._patience(context), inputs.project_id
        adopted = context.state.get("adopted") or []
        gone = [name for name in inputs.variables if name not in adopted]
        try:
            stale = self._write(project, {}, patience, old={}, gone=gone, adopt=True)
        except CloudError:
            if self.client.cloud.endpoint(project, patience) is None:
                return
            raise
        if stale is not None:
            try:
                self._await(project, stale, {}, patience)
            except ProviderError as failure:
                context.warn(f"The variables are removed. {failure}")

    def _apply(
        self,
        inputs: CloudEnvironmentInputs,
        patience: Patience,
        *,
        old: Mapping[str, str],
        gone: list[str],
        outputs: dict[str, Any],
        id: str,
    ) -> None:
        project = inputs.project_id
        stale = self._write(project, inputs.variables, patience, old=old, gone=gone, adopt=inputs.adopt)
        try:
            self._await(project, stale or set(), inputs.variables, patience)
        except ProviderError as failure:
            # through normalise: the values must be marked as secrets in the state, too
            state = self.normalise(dump(inputs)) | outputs
            raise PartialError(f"The variables are set. {failure}", id=id, outputs=state) from None

    def _write(
        self,
        project: str,
        wanted: Mapping[str, str],
        patience: Patience,
        *,
        old: Mapping[str, str],
        gone: list[str],
        adopt: bool,
    ) -> set[str] | None:
        """Bring the project's variables to what is wanted; the hashes that are out of date now, None where nothing was to do."""
        cloud, stale = self.client.cloud, None
        while True:
            now = cloud.environment(project, patience)
            _refuse_conflicts(now, wanted, old, adopt)
            changed = {name: value for name, value in wanted.items() if now.variables.get(name) != value}
            present = [name for name in gone if name in now.variables]
            if not changed and not present:
                return stale
            if stale is None:
                stale = {worker.hash for worker in cloud.workers(project, patience)}
            stale.add(now.hash)  # a change of somebody else that is still under way must not pass for ours
            try:
                after = cloud.set(project, now, changed, patience) if changed else now
                if present:
                    cloud.unset(project, after, present, patience)
                return stale
            except CloudError:
                # the lock is the only error worth another try, and its text is nowhere documented: did the hash move?
                moved = cloud.environment(project, patience).hash != now.hash
                if not moved or not patience.pause():
                    raise

    def _await(self, project: str, stale: set[str], variables: Mapping[str, str], patience: Patience) -> None:
        """Wait until every worker has a new configuration and the engine is healthy with it."""
        self._await_workers(project, stale, patience)
        endpoint = self.client.endpoint or self.client.cloud.endpoint(project, patience)
        if not endpoint:
            raise ProviderError(
                f"Hasura Cloud names no endpoint for project {project}: set the provider's endpoint."
            )
        engine = EngineClient(
            endpoint, variables.get("HASURA_GRAPHQL_ADMIN_SECRET") or self.client.admin_secret
        )
        while not engine.healthy(patience):
            if not patience.pause(reason=f"Hasura at {endpoint} is not healthy yet"):
                raise ProviderError(
                    f"Hasura at {endpoint} is not healthy with them: look at the project's logs."
                )
        if not any(name in variables for name in _JWT):
            return
        while engine.jwt_configured(patience) is False:
            if not patience.pause(reason=f"Hasura at {endpoint} does not check JWTs yet"):
                raise ProviderError(
                    f"Hasura at {endpoint} does not check JWTs although HASURA_GRAPHQL_JWT_SECRET is set: "
                    "is its value the JSON that Hasura expects?"
                )

    def _await_workers(self, project: str, stale: set[str], patience: Patience) -> None:
        refused_at: float | None = None  # patience left when a worker first said that it failed
        while True:
            workers = self.client.cloud.workers(project, patience)
            fresh = [worker for worker in workers if worker.hash not in stale]
            if workers and len(fresh) == len(workers) and all(worker.configured for worker in workers):
                return
            refused = next((worker.message for worker in fresh if worker.failed), "")
            refused_at = (refused_at or patience.left) if refused else None
            settled = refused_at is not None and refused_at - patience.left > SETTLING
            if settled or not patience.pause(reason="Hasura Cloud has not made the variables live yet"):
                said = refused or next((worker.message for worker in fresh if not worker.configured), "")
                reason = f"it says: {said}" if said else "no worker of the project has taken them over"
                raise ProviderError(f"Hasura Cloud has not made them live; {reason.rstrip('.')}.")

    def _patience(self, context: Context) -> Patience:
        return Patience(context.timeout or PATIENCE, context.cancelled, context.info)


def _secret(value: Any) -> Any:
    return value if isinstance(value, Secret) or value is UNKNOWN else Secret(value)


def _refuse_conflicts(
    now: Environment, wanted: Mapping[str, str], old: Mapping[str, str], adopt: bool
) -> None:
    taken = sorted(
        name
        for name, value in wanted.items()
        if name not in old and now.variables.get(name, value) != value and not adopt
    )
    if taken:
        raise ProviderError(
            f"The project has {' and '.join(taken)} already, with another value; nothing was written. "
            "Remove it there, or set adopt to overwrite it."
        )
