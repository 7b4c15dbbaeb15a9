"""The classes that programs use, in a program of their own (mocks are global to a process)."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.plugin import ROOT

PROGRAM = """
import json, sys
import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        sent.append({"type": args.typ, "inputs": args.inputs})
        return args.name + "-id", {**args.inputs, "adopted": [], "replaced": {}}
    def call(self, args):
        return {}

sent = []
pulumi.runtime.set_mocks(Mocks(), preview=False)
from providers.hasura import sdk as hasura

@pulumi.runtime.test
def program():
    provider = hasura.Provider("p", endpoint="http://e", admin_secret="s", cloud_token="t")
    env = hasura.CloudEnvironment("e", project_id="x", variables={"project_id": "v", "projectId": "w"})
    metadata = hasura.Metadata("m", fragment={"sources": [{"name": "default"}]})
    secret = env.variables.is_secret()
    return pulumi.Output.all(env.project_id, env.variables, metadata.adopted, secret).apply(found.extend)

found = []
program()
json.dump({"sent": sent, "found": found}, sys.stdout)
"""


def test_properties_are_sent_and_answered_under_their_own_names() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    inputs = {item["type"]: item["inputs"] for item in answer["sent"]}
    assert inputs["hasura:index:Metadata"] == {"fragment": {"sources": [{"name": "default"}]}}
    assert set(inputs["pulumi:providers:hasura"]) == {"endpoint", "adminSecret", "cloudToken"}
    environment = inputs["hasura:index:CloudEnvironment"]
    assert environment["projectId"] == "x"
    assert environment["variables"]["value"] == {"project_id": "v", "projectId": "w"}  # as a secret
    assert answer["found"] == ["x", {"project_id": "v", "projectId": "w"}, [], True]
