"""Other servers that answer the same requests, where they are installed: SeaweedFS and moto."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.servers import Running, free_port, running
from bench.signing import Key
from bench.workload import BUCKETS, ROLE, World, fill
from bench.worlds import client, session_of

_ADMIN = Key("AKIABENCHADMIN000000", "bench-admin-secret-of-forty-characters00")


def installed() -> dict[str, Callable[[Path], AbstractContextManager[tuple[Running, World]]]]:
    """Return the peers that can be run here, by name."""
    known = {"SeaweedFS": ("weed", _seaweedfs), "moto": ("moto_server", _moto)}
    return {name: start for name, (program, start) in known.items() if _program(program).exists()}


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[tuple[Running, World]]:
    """Run `weed server`, whose S3 gateway knows one identity and one role. It writes unsynced, its default."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    trust = {"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole"]}
    identity = {
        "name": "bench",
        "credentials": [{"accessKey": _ADMIN.access_key_id, "secretKey": _ADMIN.secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    settings = {
        "identities": [identity],
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "bench",
            "signingKey": base64.b64encode(b"bench-signing-key-of-32-bytes-00").decode(),
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [{"name": "use", "document": everything}],
        "roles": [
            {
                "roleName": "bench",
                "roleArn": ROLE,
                "attachedPolicies": ["use"],
                "trustPolicy": {"Version": "2012-10-17", "Statement": [trust]},
            }
        ],
    }
    home = folder / "seaweedfs"
    home.mkdir()
    config = home / "iam.json"
    config.write_text(json.dumps(settings))
    port, master, filer, volume = (free_port() for _ in range(4))
    command = [str(_program("weed")), "server", f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    command += [f"-s3.port={port}", f"-s3.iam.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [
        f"-master.port={master}",
        f"-filer.port={filer}",
        f"-volume.port={volume}",
        "-volume.max=200",
        "-master.volumeSizeLimitMB=1024",
    ]
    grpc = ("-master.port.grpc", "-filer.port.grpc", "-volume.port.grpc", "-s3.port.grpc")
    command += [f"{option}={free_port()}" for option in grpc]
    with running(command, port, quiet=True) as started:
        yield started, _world(started.address, folder / "seaweedfs-requests", session=True)


@contextmanager
def _moto(folder: Path) -> Iterator[tuple[Running, World]]:
    """Run moto's server, which checks nothing and keeps everything in memory."""
    port = free_port()
    with running([str(_program("moto_server")), "-p", str(port)], port, quiet=True) as started:
        yield started, _world(started.address, folder / "moto-requests", session=False)


def _world(address: str, bodies: Path, *, session: bool) -> World:
    bodies.mkdir()
    buckets = client(address, "s3", _ADMIN)
    for bucket in BUCKETS:
        buckets.create_bucket(Bucket=bucket)
    world = World(address, _ADMIN, session_of(address, _ADMIN) if session else _ADMIN, bodies)
    fill(world)
    return world
