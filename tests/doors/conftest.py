"""What every client is given: a bucket, a user who may only assume a role, and the role, which may work in the bucket."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.requirements import tool
from tests.serving import REGION, Credentials, Server

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Door:
    """One client's way in. The role may do everything in its bucket, except under `closed/`, where nobody may read or write."""

    server: Server
    bucket: str
    role: str
    user: Credentials
    home: Path

    def session(self) -> Credentials:
        """Assume the role as the user, with boto3."""
        sts = self.server.client("sts", self.user)
        return Credentials.of(sts.assume_role(RoleArn=self.role, RoleSessionName="door")["Credentials"])

    def run(
        self,
        *words: str | Path,
        who: Credentials | None = None,
        code: int | None = 0,
        timeout: float = 110,
        **more: str,
    ) -> Said:
        """Run a command in the door's home, with `more` in its environment, and hold it to an exit code."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.home,
            env=self.server.environment(self.home, who) | more,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert code is None or said.code == code, said
        return said

    def script(self, *command: str | Path, who: Credentials | None = None, **more: str) -> dict[str, Any]:
        """Run a script of steps and return each step's outcome: what it returned, or `{"raised": ..., "said": ...}`."""
        session = self.session()
        facts = {
            "endpoint": self.server.endpoint,
            "region": REGION,
            "bucket": self.bucket,
            "role": self.role,
            "user": [self.user.access_key_id, self.user.secret_access_key],
            "session": [session.access_key_id, session.secret_access_key, session.session_token],
        }
        said = self.run(*command, who=who, DOOR=json.dumps(facts), **more)
        outcomes: dict[str, Any] = json.loads(said.out)
        return outcomes


@pytest.fixture(scope="module")
def door(server: Server, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Door:
    """Lay out a bucket, a user and a role named after the test file."""
    name = "door-" + Path(request.module.__file__).stem.removeprefix("test_").replace("_", "-")
    iam, s3 = server.client("iam"), server.client("s3")
    s3.create_bucket(Bucket=name)
    arn = f"arn:aws:iam::123456789012:role/{name}"
    user = server.user(name, _document(_statement("Allow", "sts:AssumeRole", arn)))
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::123456789012:user/{name}"},
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    inside = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    closed = _statement("Deny", "s3:*", f"arn:aws:s3:::{name}/closed/*")
    policy = _document(_statement("Allow", "s3:*", *inside), closed)
    iam.put_role_policy(RoleName=name, PolicyName="inside", PolicyDocument=policy)
    return Door(server, name, arn, user, tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def python() -> Path:
    """Return the interpreter that holds the Python clients."""
    return tool("doors/bin/python")


def _statement(effect: str, action: str, *resources: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": list(resources)}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
