"""A real flood: one principal's many connections, and how long another one's requests wait beside them."""

from __future__ import annotations

import http.client
import multiprocessing
import statistics
import time
from pathlib import Path

import pytest
from tests.serving import ACCOUNT, Credentials, Server, serving

CONNECTIONS = 128
FLOODERS = 2
ASKED = 300
_LIST = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}}'


def _url(server: Server, who: Credentials) -> str:
    s3 = server.client("s3", who, signature_version="s3v4")
    url: str = s3.generate_presigned_url("list_buckets", ExpiresIn=3600)
    return url.removeprefix(server.endpoint)


def _ask(connection: http.client.HTTPConnection, target: str) -> tuple[float, int]:
    began = time.perf_counter()
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.read()
    return time.perf_counter() - began, answer.status


def _flood(address: str, target: str, waits: multiprocessing.Queue[float], stop: object) -> None:
    """Ask on many connections at once, each again as soon as it was answered; report how long answers took."""
    connections = [http.client.HTTPConnection(address) for _ in range(CONNECTIONS)]
    found = []
    while not stop.is_set():  # type: ignore[attr-defined]
        began = time.perf_counter()
        for connection in connections:
            connection.request("GET", target)
        for connection in connections:
            connection.getresponse().read()
            found.append(time.perf_counter() - began)
    waits.put(statistics.median(found))


@pytest.mark.soak
def test_a_flood_makes_its_sender_wait_and_not_the_others(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT) as server:
        flooder, other = server.user("flooder", _LIST), server.user("other", _LIST)
        address = server.endpoint.removeprefix("http://")
        target = _url(server, other)
        one = http.client.HTTPConnection(address)
        alone = sorted(_ask(one, target)[0] for _ in range(ASKED))
        waits: multiprocessing.Queue[float] = multiprocessing.Queue()
        stop = multiprocessing.Event()
        arguments = (address, _url(server, flooder), waits, stop)
        floods = [multiprocessing.Process(target=_flood, args=arguments) for _ in range(FLOODERS)]
        for flood in floods:
            flood.start()
        time.sleep(2)
        during, statuses = zip(*(_ask(one, target) for _ in range(ASKED)), strict=True)
        stop.set()
        flooded = [waits.get(timeout=60) for _ in floods]
        for flood in floods:
            flood.join(10)
    assert set(statuses) == {200}
    print(f"alone {statistics.median(alone):.4f} during {statistics.median(during):.4f} the flood {flooded}")
    assert statistics.median(during) < min(flooded) / 4


@pytest.mark.soak
def test_a_limited_flood_is_told_so_and_the_others_are_not(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--account", ACCOUNT, "--rate-limit", "20") as server:
        flooder, other = server.user("flooder", _LIST), server.user("other", _LIST)
        address = server.endpoint.removeprefix("http://")
        one, two = http.client.HTTPConnection(address), http.client.HTTPConnection(address)
        flood, target = _url(server, flooder), _url(server, other)
        statuses = [_ask(one, flood)[1] for _ in range(1000)]
        assert statuses[:40] == [200] * 40
        assert 503 in statuses
        assert {_ask(two, target)[1] for _ in range(30)} == {200}
