"""How long one principal's requests take while another one floods: `python -m bench.flood [--rate-limit N]`.

A polite client asks 200 times a second at most, first alone, then beside `wrk`, which asks as somebody else as fast as
it is answered. Printed are medians and 99th percentiles in milliseconds, and how many times the flood makes them.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import servers, wrk
from bench.signing import Key
from bench.worlds import client, document, root_key

SECONDS = 8.0
ROUNDS = 2
PAUSE = 0.004
POLITE = 4
"""Connections that the polite client asks on, one after the other, so that every worker is met."""
_MAY_LIST = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}


def main() -> int:
    """Measure and print; return 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 128], metavar="N", help="of the flood")
    parser.add_argument("--rate-limit", metavar="N", help="as `rolecall serve` takes it")
    arguments = parser.parse_args()
    if not wrk.is_installed():
        print(wrk.MISSING)
        return 1
    options = ("--rate-limit", arguments.rate_limit) if arguments.rate_limit else ()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        with servers.rolecall(data, workers=2, more=options) as server:
            polite, flooder = (_link(data, server.address, name) for name in ("polite", "flooder"))
            for count in arguments.connections * ROUNDS:
                _compare(server.address, polite, flooder, count)
    return 0


def _compare(address: str, polite: str, flooder: str, connections: int) -> None:
    asking = [http.client.HTTPConnection(address) for _ in range(POLITE)]
    alone = _times(asking, polite)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS + 3:.0f}", f"http://{address}{flooder}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
        time.sleep(1.5)
        beside = _times(asking, polite)
        said = flood.communicate()[0]
    rate = next(line.split()[-1] for line in said.splitlines() if line.startswith("Requests/sec"))
    (median, high), (median_beside, high_beside) = _percentiles(alone), _percentiles(beside)
    print(
        f"{connections:4} connections, {rate:>8}/s: median {median:.2f} ms alone, {median_beside:.2f} beside;"
        f" p99 {high:.2f} alone, {high_beside:.2f} beside, {high_beside / high:.1f} times",
        flush=True,
    )


def _times(asking: Sequence[http.client.HTTPConnection], target: str) -> list[float]:
    """Return how long each request took, in milliseconds."""
    found: list[float] = []
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        connection = asking[len(found) % len(asking)]
        began = time.perf_counter()
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"the polite client was answered {answer.status}")
        time.sleep(PAUSE)
    return found


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    parts = statistics.quantiles(times, n=100)
    return parts[49], parts[98]


def _link(data: Path, address: str, name: str) -> str:
    """Make a user who may list buckets, and return the presigned target of such a request."""
    iam = client(address, "iam", root_key(data))
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="list", PolicyDocument=document(_MAY_LIST))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = client(address, "s3", Key(made["AccessKeyId"], made["SecretAccessKey"]))
    url: str = s3.generate_presigned_url("list_buckets", ExpiresIn=3600)
    return url.removeprefix(f"http://{address}")


if __name__ == "__main__":
    sys.exit(main())
