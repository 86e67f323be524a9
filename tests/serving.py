"""A real server for tests: `rolecall serve` in a process of its own, and clients that know its keys."""

from __future__ import annotations

import configparser
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Credentials:
    """A key pair, or a session's three parts."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Credentials:
        """Take them from the `Credentials` of an STS answer."""
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

    def environment(self) -> dict[str, str]:
        """Return the AWS_* variables that carry them."""
        found = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return found | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], data: Path, endpoint: str, certificate: Path | None) -> None:
        self.process = process
        self.data = data
        self.endpoint = endpoint
        self.certificate = certificate

    @property
    def root(self) -> Credentials:
        """The root user's key."""
        return read_credentials(self.data / "root-credentials", "root")

    @property
    def learner(self) -> Credentials:
        """The key of the tutorial's user aws_cli_test."""
        return read_credentials(self.data / "tutorial-credentials", "aws_cli_test")

    def client(self, service: str, who: Credentials | None = None, **config: Any) -> Any:
        """Return a boto3 client as `who` (root when not said), which does not retry."""
        key = who or self.root
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            verify=str(self.certificate) if self.certificate else None,
            config=Config(**({"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}} | config)),
        )

    def user(self, name: str, *documents: str) -> Credentials:
        """Create a user with inline policies and a key, and return the key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, document in enumerate(documents):
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def recorded(self, answer: Mapping[str, Any]) -> str:
        """Wait until the trail tells of the request of this answer, as boto3 gives it, and return the request's id."""
        request_id = str(answer["ResponseMetadata"]["RequestId"])
        cloudtrail = self.client("cloudtrail")
        named = [{"AttributeKey": "EventId", "AttributeValue": request_id}]
        deadline = time.monotonic() + 20
        while not cloudtrail.lookup_events(LookupAttributes=named)["Events"]:
            assert time.monotonic() < deadline, f"the trail does not tell of {request_id}"
            time.sleep(0.02)
        return request_id

    def environment(self, home: Path, who: Credentials | None = None) -> dict[str, str]:
        """Return the environment of a command that talks to this server, with nothing of the machine's own in it."""
        found = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        if self.certificate:
            found["AWS_CA_BUNDLE"] = str(self.certificate)
        return found | (who.environment() if who else {})

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Stop the server and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(timeout=30)


def read_credentials(path: Path, profile: str) -> Credentials:
    """Read one profile of a shared-credentials file."""
    parser = configparser.ConfigParser()
    parser.read_string(path.read_text())
    section = parser[profile]
    return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])


@contextmanager
def serving(
    data: Path,
    *options: str,
    certificate: Path | None = None,
    key: Path | None = None,
    workers: int = 2,
    sync: bool = False,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a server on `data` and a free port, wait for its ready line, and stop it at the end.

    What it logs goes to the file `log`, or into a pipe, which a server that logs much fills up and waits for.
    """
    tls = ["--tls-certificate", str(certificate), "--tls-key", str(key)] if certificate else []
    command = [sys.executable, "-m", "rolecall.cli", "serve", "--data", str(data), "--port", "0"]
    command += ["--workers", str(workers), *([] if sync else ["--no-sync"]), *tls, *options]
    with log.open("w") if log else nullcontext(subprocess.PIPE) as stderr:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment} if environment else None,
        )
    try:
        yield Server(process, data, _ready(process, log), certificate)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _ready(process: subprocess.Popen[str], log: Path | None = None) -> str:
    """Return the endpoint of the ready line."""
    assert process.stdout is not None
    deadline = time.monotonic() + 30
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if selector.select(0.5):
                line = process.stdout.readline()
                if line.startswith("ready "):
                    return line.split()[1]
            if process.poll() is not None:
                raise AssertionError(f"the server stopped: {_said(process, log)}")
    process.kill()
    raise AssertionError(f"the server is not ready: {_said(process, log)}")


def _said(process: subprocess.Popen[str], log: Path | None) -> str:
    if log is not None:
        return log.read_text()
    return process.stderr.read() if process.stderr is not None else ""
