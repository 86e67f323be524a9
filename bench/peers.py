"""Other servers that answer the same requests, where they are installed: SeaweedFS and moto, and nginx for files."""

from __future__ import annotations

import base64
import getpass
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.servers import Running, free_port, running
from bench.signing import Key
from bench.workload import BUCKETS, LARGE, LISTED, MEDIUM, ROLE, World, body_of, fill, fill_keys
from bench.worlds import client, session_of

_ADMIN = Key("AKIABENCHADMIN000000", "bench-admin-secret-of-forty-characters00")


Start = Callable[[Path, bool], AbstractContextManager[tuple[Running, World]]]
"""Starts a peer in a folder; with True, fills its listed bucket as full as Rolecall's."""

_PEERS = {"SeaweedFS": "weed", "moto": "moto_server"}
HOW = "`pip install 'rolecall[peers]'` into this environment"


def installed() -> dict[str, Start]:
    """Return the peers that can be run here, by name."""
    starts: dict[str, Start] = {"SeaweedFS": _seaweedfs, "moto": _moto}
    return {name: starts[name] for name, program in _PEERS.items() if _program(program).exists()}


def absent() -> list[str]:
    """Return what to say about each peer that cannot be run here."""
    said = [f"{name} is not installed: {HOW}" for name, program in _PEERS.items() if not _program(program).exists()]
    if _nginx_program() is None:
        said.append("nginx is not installed, so large GETs have nothing to be compared with: `apt-get install nginx`")
    return said


def _nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


@contextmanager
def _seaweedfs(folder: Path, full: bool) -> Iterator[tuple[Running, World]]:
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
    with running(command, port) as started:
        listed = LISTED if full else _FEW_KEYS
        yield started, _world(started.address, folder / "seaweedfs-requests", session=True, listed=listed)


@contextmanager
def _moto(folder: Path, full: bool) -> Iterator[tuple[Running, World]]:
    """Run moto's server, which checks nothing and keeps everything in memory. It is too slow to be filled."""
    del full
    port = free_port()
    with running([str(_program("moto_server")), "-p", str(port)], port) as started:
        yield started, _world(started.address, folder / "moto-requests", session=False, listed=_FEW_KEYS)


@contextmanager
def nginx(folder: Path, workers: int) -> Iterator[Running | None]:
    """Run nginx on a folder of files with the names of the objects; yield None where it is not installed."""
    program = _nginx_program()
    if program is None:
        yield None
        return
    home = folder / "nginx"
    for bucket, size, count in (("medium", MEDIUM, 64), ("large", LARGE, 4), ("ranged", LARGE, 4)):
        (home / bucket).mkdir(parents=True)
        for number in range(count):
            shutil.copyfile(body_of(folder, size), home / bucket / f"object-{number}")
    port = free_port()
    config = home / "nginx.conf"
    config.write_text(_NGINX.format(home=home, port=port, workers=workers, user=getpass.getuser()))
    with running([program, "-c", str(config), "-p", str(home)], port) as started:
        yield started


_NGINX = """user {user};
worker_processes {workers};
daemon off;
pid {home}/pid;
error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port} reuseport; root {home}; }}
}}
"""

_FEW_KEYS = 4000
_FEW_DOOMED = 8


def _world(address: str, bodies: Path, *, session: bool, listed: int) -> World:
    bodies.mkdir()
    buckets = client(address, "s3", _ADMIN)
    for bucket in BUCKETS:
        buckets.create_bucket(Bucket=bucket)
    caller = session_of(address, _ADMIN) if session else _ADMIN
    world = World(address, _ADMIN, caller, bodies, listed=listed, doomed=_FEW_DOOMED)
    fill(world)
    return fill_keys(world)
