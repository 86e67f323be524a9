"""`rolecall serve` and `rolecall root`, as processes: what they write, what they refuse, how they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from tests.certificates import make_certificate
from tests.requirements import tool
from tests.serving import ACCOUNT, Server, read_credentials, serving

from rolecall.identifiers import account_of_key


def _serve(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` where it should refuse to start."""
    command = [sys.executable, "-m", "rolecall.cli", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_first_start_draws_account_and_keys_and_writes_them_for_the_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "new"
    with serving(data) as server:
        identity = server.client("sts").get_caller_identity()
        root = server.root
    assert identity["Arn"] == f"arn:aws:iam::{identity['Account']}:root"
    assert account_of_key(root.access_key_id) == identity["Account"] != ACCOUNT
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("root-credentials", "keyring"):
        assert (data / name).stat().st_mode & 0o777 == 0o600
    assert not (data / "tutorial-credentials").exists()
    assert "region = us-east-1" in (data / "root-credentials").read_text()
    with serving(data) as server:
        assert server.root == root
        assert server.client("sts").get_caller_identity() | {"ResponseMetadata": 0} == identity | {
            "ResponseMetadata": 0
        }


def test_two_first_starts_have_nothing_in_common(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        with serving(tmp_path / name, "--account", ACCOUNT) as server:
            keys.append((server.root.access_key_id, server.root.secret_access_key))
    assert keys[0][0] != keys[1][0]
    assert keys[0][1] != keys[1][1]


def test_the_root_credentials_file_alone_is_enough_for_the_aws_command(server: Server, tmp_path: Path) -> None:
    environment = {
        "AWS_SHARED_CREDENTIALS_FILE": str(server.data / "root-credentials"),
        "AWS_PROFILE": "root",
        "AWS_ENDPOINT_URL": server.endpoint,
    }
    command = [str(tool("aws")), "iam", "list-roles"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "S3_Full_Access" in {role["RoleName"] for role in json.loads(done.stdout)["Roles"]}


def test_a_second_server_on_a_folder_is_refused_with_a_sentence(server: Server) -> None:
    done = _serve("--data", str(server.data), "--port", "0")
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"rolecall serve: another server (process {server.process.pid}) is using the data folder"
    )


def test_a_folder_of_another_account_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT):
        pass
    done = _serve("--data", str(tmp_path / "data"), "--account", "111122223333")
    assert done.returncode == 2
    assert "belongs to account 123456789012, not 111122223333" in done.stderr


UNSAFE = {
    "open to other machines without TLS": (("--host", "0.0.0.0"), "--allow-plain-http"),
    "half a certificate": (("--tls-certificate", "c.pem"), "--tls-key go together"),
    "an account that is none": (("--account", "12"), "12 digits"),
    "a proxy that is none": (("--trusted-proxy", "everybody"), "an address or a network"),
    "no workers": (("--workers", "0"), "1 to 64"),
}


@pytest.mark.parametrize("claim", UNSAFE)
def test_unsafe_settings_do_not_start(claim: str, tmp_path: Path) -> None:
    options, said = UNSAFE[claim]
    done = _serve("--data", str(tmp_path / "data"), *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    done = _serve("--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "chmod 700" in done.stderr


def test_a_port_in_use_is_named(server: Server, tmp_path: Path) -> None:
    port = server.endpoint.rpartition(":")[2]
    done = _serve("--data", str(tmp_path / "data"), "--port", port)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}: another program is listening there." in done.stderr


def test_a_lost_root_key_is_replaced_while_the_server_runs(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        old = server.root
        command = [sys.executable, "-m", "rolecall.cli", "root", "rotate-key", "--data", str(server.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert server.root.access_key_id in done.stdout
        assert server.root.secret_access_key not in done.stdout
        for _ in range(8):  # both workers have heard of it
            server.client("sts").get_caller_identity()
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                server.client("sts", old).get_caller_identity()


def _takes_connections(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(server.endpoint.rpartition(":")[2]))).close()
    except ConnectionRefusedError:
        return False
    return True


def test_sigterm_lets_an_upload_finish_and_then_ends(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--tutorial", "--account", ACCOUNT, workers=1) as server:
        body = os.urandom(4 << 20)

        class Slow:
            """A body that is sent while the server is told to stop."""

            def __init__(self) -> None:
                self.place = 0

            def __len__(self) -> int:
                return len(body)

            def read(self, size: int = -1) -> bytes:
                if self.place == 1 << 20:
                    server.process.send_signal(signal.SIGTERM)
                    deadline = time.monotonic() + 20
                    while _takes_connections(server):
                        assert time.monotonic() < deadline, "whoever comes now waits in a line that nobody will serve"
                        time.sleep(0.02)
                piece = body[self.place : self.place + (1 << 18)]
                self.place += len(piece)
                return piece

        s3 = server.client("s3", signature_version="s3v4")
        url = s3.generate_presigned_url("put_object", Params={"Bucket": "a.demo.bucket", "Key": "slow"})
        connection = socket.create_connection(("127.0.0.1", int(server.endpoint.rpartition(":")[2])))
        target = url.removeprefix(server.endpoint)
        head = f"PUT {target} HTTP/1.1\r\nHost: {server.endpoint.removeprefix('http://')}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        slow = Slow()
        while piece := slow.read():
            connection.sendall(piece)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
        connection.close()
        assert server.process.wait(timeout=30) == 0
    with serving(tmp_path / "data") as server:
        assert server.client("s3").get_object(Bucket="a.demo.bucket", Key="slow")["Body"].read() == body


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path / "data", workers=2) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) >= 2
        os.kill(int(children[0]), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            now = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
            if len(now) >= 2 and children[0] not in now:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the worker was not replaced")
        for _ in range(5):
            server.client("sts").get_caller_identity()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    certificate, key = make_certificate(tmp_path)
    with serving(tmp_path / "data", certificate=certificate, key=key, workers=1) as server:
        context = ssl.create_default_context(cafile=str(certificate))
        context.minimum_version = context.maximum_version = version
        port = int(server.endpoint.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_region_that_the_operator_pins_must_be_signed_for(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--region", "eu-central-1", workers=1) as server:
        with pytest.raises(ClientError) as refused:
            server.client("s3").list_buckets()
        assert refused.value.response["Error"]["Code"] == "AuthorizationHeaderMalformed"
        assert "the region 'us-east-1' is wrong; expecting 'eu-central-1'" in str(refused.value)
        with pytest.raises(ClientError, match="Credential should be scoped to a valid region"):
            server.client("sts").get_caller_identity()


def _forward(addresses: str, request: AWSPreparedRequest, **_: object) -> None:
    request.headers["X-Forwarded-For"] = addresses


def test_forwarded_addresses_count_only_from_named_proxies(tmp_path: Path) -> None:
    """GHSA-fc6g-2gcp-2qrq: aws:SourceIp is the last address that no trusted proxy has, or the peer's."""
    condition = {"IpAddress": {"aws:SourceIp": "192.0.2.7"}}
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition},
    }
    outcomes = {}
    for name, options in {"trusted": ("--trusted-proxy", "127.0.0.0/8"), "stranger": ()}.items():
        with serving(tmp_path / name, *options, workers=1) as server:
            user = server.user("u", json.dumps(document))
            for forwarded in (
                "192.0.2.7",
                "192.0.2.7, 198.51.100.1",
                "198.51.100.1, 192.0.2.7",
                "192.0.2.7, 127.0.0.5",
            ):
                s3 = server.client("s3", user)
                s3.meta.events.register("before-send.s3", partial(_forward, forwarded))
                try:
                    s3.list_buckets()
                    outcomes[name, forwarded] = "allowed"
                except ClientError as error:
                    outcomes[name, forwarded] = error.response["Error"]["Code"]
    assert {forwarded for (name, forwarded), outcome in outcomes.items() if outcome == "allowed"} == {
        "192.0.2.7", "198.51.100.1, 192.0.2.7", "192.0.2.7, 127.0.0.5",
    }  # fmt: skip
    assert all(outcome == "AccessDenied" for (name, _), outcome in outcomes.items() if name == "stranger")


def test_neither_output_nor_trail_holds_a_secret(tmp_path: Path) -> None:
    """CVE-2018-16889, GHSA-r54g-49rx-98cr: keys, tokens and signatures stay out of everything that is written down."""
    with serving(tmp_path / "data", "--tutorial", "--account", ACCOUNT, workers=1) as server:
        root, learner = server.root, server.learner
        session = server.client("sts").get_session_token()["Credentials"]
        server.client("iam").create_access_key(UserName="s3_administrator")
        with pytest.raises(ClientError) as refused:
            server.client("s3", learner).put_object(Bucket="a.demo.bucket", Key="k", Body=b"x")
        server.recorded(refused.value.response)
        events = server.client("cloudtrail").lookup_events()["Events"]
        server.stop()
        assert server.process.stdout is not None
        assert server.process.stderr is not None
        written = (server.process.stdout.read() + server.process.stderr.read()).encode()
    written += json.dumps(events, default=str).encode()
    assert b"s3_administrator" in written
    secrets = (root.secret_access_key, learner.secret_access_key, session["SecretAccessKey"], session["SessionToken"])
    assert not [secret for secret in secrets if secret.encode() in written]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("rolecall.db*"))
    assert not [secret for secret in (root.secret_access_key, learner.secret_access_key) if secret.encode() in stored]
    assert read_credentials(tmp_path / "data" / "root-credentials", "root") == root
