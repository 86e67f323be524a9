"""Workers die and are replaced, the server dies and takes them along; operators see both."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.serving import ACCOUNT, Server, serving


def _workers(server: Server) -> list[int]:
    found = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(worker) for worker in found]


def _until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def _get(server: Server, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_workers_may_be_killed_again_and_again_and_clients_only_wait(tmp_path: Path) -> None:
    """The server before this one ended when a worker died twice within seconds."""
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        killed: set[int] = set()
        for _ in range(3):
            for worker in _workers(server):
                killed.add(worker)
                os.kill(worker, signal.SIGKILL)
            assert server.client("sts").get_caller_identity()["Account"] == ACCOUNT
        assert _until(lambda: len(_workers(server)) == 2 and not killed & set(_workers(server)))
        assert len(killed) >= 4
        assert server.process.poll() is None
        _, text = _get(server, "/-/metrics")
        starts = next(line for line in text.splitlines() if line.startswith("rolecall_worker_starts_total "))
        assert int(starts.split()[1]) >= 4


def test_when_the_server_is_killed_its_workers_let_go_of_port_and_folder(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        workers = _workers(server)
        port = int(server.endpoint.rpartition(":")[2])
        server.process.kill()
        server.process.wait()

        def is_free() -> bool:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    probe.listen()
                except OSError:
                    return False
            return True

        assert _until(is_free, 5)
        assert _until(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers), 10)
    with serving(tmp_path / "data") as again:
        assert again.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_worker_that_is_stopped_does_not_outlive_the_server_either(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert server.stop() == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""


def test_metrics_tell_what_happened_and_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--tutorial") as server:
        for _ in range(3):
            server.client("s3").list_buckets()
        _get(server, "/a.demo.bucket/nothing")
        _, text = _get(server, "/-/metrics")
        secrets = [server.root.secret_access_key, server.root.access_key_id, ACCOUNT, "a.demo.bucket"]
    lines = text.splitlines()
    assert 'rolecall_requests_total{service="s3",operation="ListBuckets",outcome="allowed"} 3' in lines
    assert 'rolecall_requests_total{service="s3",operation="GetObject",outcome="denied"} 1' in lines
    assert not [secret for secret in secrets if secret in text]


def test_a_limit_is_the_servers_own_though_two_workers_keep_it(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--rate-limit", "1", "--anonymous-rate-limit", "1") as server:
        codes, sts = [], server.client("sts")
        for _ in range(40):
            try:
                sts.get_caller_identity()
                codes.append("")
            except Exception as error:
                codes.append(error.response["Error"]["Code"])  # type: ignore[attr-defined]
        statuses = [_get(server, "/a.demo.bucket/key")[0] for _ in range(20)]
    assert 2 <= codes.count("") < 40
    assert set(codes) == {"", "Throttling"}
    assert set(statuses) == {404, 503}


def test_a_log_in_json_is_one_object_a_line(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--log-format", "json") as server:
        os.kill(_workers(server)[0], signal.SIGKILL)
        assert server.process.stderr is not None
        line = json.loads(server.process.stderr.readline())
    assert line["level"] == "ERROR"
    assert line["logger"] == "rolecall.serve"
    assert "signal 9" in line["message"]


def test_a_token_too_short_to_be_one_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    command = [sys.executable, "-m", "rolecall.cli", "serve", "--data", str(tmp_path / "data")]
    done = subprocess.run([*command, "--metrics-token-file", str(tmp_path / "token")], capture_output=True, text=True)
    assert done.returncode == 2
    assert "fewer than 16 characters" in done.stderr
