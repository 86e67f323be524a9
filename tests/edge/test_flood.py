"""A real flood: one principal's many connections, and how long another one's requests wait beside them."""

from __future__ import annotations

import http.client
import multiprocessing
import selectors
import socket
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from tests.serving import ACCOUNT, Credentials, Server, serving

Counter = Any
Event = Any
"""Of `multiprocessing`, whose types are functions."""
CONNECTIONS = 128
FLOODERS = 2
ASKED = 300
_LIST = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}}'


def _url(server: Server, who: Credentials) -> str:
    s3 = server.client("s3", who, signature_version="s3v4")
    url: str = s3.generate_presigned_url("list_buckets", ExpiresIn=3600)
    return url.removeprefix(server.endpoint)


def _ask(connection: http.client.HTTPConnection, target: str) -> int:
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _flood(address: str, target: str, answered: Counter, stop: Event) -> None:
    """Ask on many connections, on each again as soon as it was answered; count the answers."""
    host, _, port = address.partition(":")
    asked = f"GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    waiting = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(asked)
        waiting.register(connection, selectors.EVENT_READ, connection)
    while not stop.is_set():
        for key, _ in waiting.select(1):
            count = key.data.recv(65536).count(b"HTTP/1.1 200 ")
            answered.value += count
            key.data.sendall(asked * count)


@pytest.mark.soak
def test_a_flood_makes_its_sender_wait_and_not_the_others(tmp_path: Path) -> None:
    """Counted in answers, so that a busy machine makes no difference: in line, one would wait for a whole round."""
    with serving(tmp_path / "data", "--account", ACCOUNT, log=tmp_path / "log") as server:
        flooder, other = server.user("flooder", _LIST), server.user("other", _LIST)
        address = server.endpoint.removeprefix("http://")
        target = _url(server, other)
        one = http.client.HTTPConnection(address, timeout=60)
        stop = multiprocessing.Event()
        counters = [multiprocessing.Value("q", 0, lock=False) for _ in range(FLOODERS)]
        floods = [
            multiprocessing.Process(target=_flood, args=(address, _url(server, flooder), answered, stop), daemon=True)
            for answered in counters
        ]
        for flood in floods:
            flood.start()
        while any(answered.value < 2 * CONNECTIONS for answered in counters):
            time.sleep(0.1)
        before_it = []
        for _ in range(ASKED):
            count = sum(answered.value for answered in counters)
            assert _ask(one, target) == 200
            before_it.append(sum(answered.value for answered in counters) - count)
        stop.set()
        for flood in floods:
            flood.join(60)
    print(f"of the flood were answered while one waited: {statistics.quantiles(before_it, n=10)}")
    assert statistics.median(before_it) < CONNECTIONS / 4


@pytest.mark.soak
def test_a_limited_flood_is_told_so_and_the_others_are_not(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--rate-limit", "20") as server:
        flooder, other = server.user("flooder", _LIST), server.user("other", _LIST)
        address = server.endpoint.removeprefix("http://")
        one, two = http.client.HTTPConnection(address), http.client.HTTPConnection(address)
        flood, target = _url(server, flooder), _url(server, other)
        statuses = [_ask(one, flood) for _ in range(200)]
        assert statuses[:40] == [200] * 40
        assert 503 in statuses
        assert {_ask(two, target) for _ in range(30)} == {200}
