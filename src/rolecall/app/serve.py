"""`rolecall serve`: the command, and the HTTP server around the application."""

from __future__ import annotations

import argparse
import errno
import http.client
import os
import signal
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

import msgspec
from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from rolecall.app.folder import DataFolder, FolderRefused
from rolecall.app.founding import found
from rolecall.app.house import open_edge
from rolecall.config import Settings, UnsafeSettings
from rolecall.edge import Edge
from rolecall.store.interface import StoreError

_SETTINGS = "ROLECALL_SETTINGS"
"""The environment variable in which a worker finds the settings; it holds no secret."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`."""
    option = parser.add_argument
    option("--data", type=Path, required=True, metavar="DIR", help="the data folder; made at first start")
    option("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    option("--port", type=int, default=4500, help="the port to listen on, 0 for a free one (default: 4500)")
    option("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes (default: 2; 1 on one core)")
    option("--account", metavar="ID", help="the account id of a new data folder (default: drawn)")
    option("--tutorial", action="store_true", help="lay out the tutorial's world in a new data folder")
    option("--tls-certificate", type=Path, metavar="PEM", help="serve TLS 1.2 and 1.3 with this certificate chain")
    option("--tls-key", type=Path, metavar="PEM", help="the certificate's private key")
    option("--allow-plain-http", action="store_true", help="listen beyond loopback without TLS")
    option("--trusted-proxy", action="append", default=[], metavar="NETWORK", help="whose forwarded addresses count")
    option("--base-domain", action="append", default=[], metavar="DOMAIN", help="also address buckets as BUCKET.DOMAIN")
    option("--region", help="refuse signatures whose scope names another region (default: any is taken as signed)")
    option("--no-sync", action="store_true", help="acknowledge writes before they are durable (benchmarks only)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop; return the exit code."""
    try:
        settings = _settings(arguments).checked()
        folder = DataFolder(settings.data)
        folder.create()
        with folder.hold():
            for line in found(folder, settings):
                print(line, flush=True)
            return _serve(settings)
    except (UnsafeSettings, FolderRefused, StoreError) as refusal:
        print(f"rolecall serve: {refusal}", file=sys.stderr)
        return 2


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        data=arguments.data.absolute(),
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        account=arguments.account,
        tutorial=arguments.tutorial,
        tls_certificate=arguments.tls_certificate,
        tls_key=arguments.tls_key,
        allow_plain_http=arguments.allow_plain_http,
        trusted_proxies=tuple(arguments.trusted_proxy),
        base_domains=("localhost", *arguments.base_domain),
        region=arguments.region,
        sync=not arguments.no_sync,
    )


def application() -> Edge:
    """Make a worker's ASGI application, from the settings that `serve` left in the environment."""
    settings = msgspec.json.decode(os.environ[_SETTINGS], type=Settings, dec_hook=_decode)
    return open_edge(settings)


def _serve(settings: Settings) -> int:
    port = settings.port or _free_port(settings.host)
    if reason := _unusable(settings.host, port):
        raise UnsafeSettings(f"cannot listen on {settings.host}:{port}: {reason}.")
    os.environ[_SETTINGS] = msgspec.json.encode(settings, enc_hook=str).decode()
    server = Server(
        "rolecall.app.serve:application",
        factory=True,
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        websockets=False,
        backlog=4096,
        backpressure=4096,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=int(settings.stop_timeout),
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        process_name=None,
    )
    server.on_startup(lambda: threading.Thread(target=_announce, args=(settings, port), daemon=True).start())
    server.serve()
    return 0


def _announce(settings: Settings, port: int) -> None:
    """Print the ready line after the server has answered over its own socket."""
    scheme = "https" if settings.tls_certificate else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    for _ in range(1500):
        if _answers(scheme, host, port):
            shown = f"[{settings.host}]" if ":" in settings.host else settings.host
            print(f"ready {scheme}://{shown}:{port}", flush=True)
            return
        time.sleep(0.02)
    print("rolecall serve: the workers do not answer; stopping.", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _answers(scheme: str, host: str, port: int) -> bool:
    if scheme == "https":
        # The certificate is the operator's, for a name that need not be this address; only an answer is wanted.
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host,
            port,
            timeout=5,
            context=ssl._create_unverified_context(),  # noqa: S323, SLF001
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _unusable(host: str, port: int) -> str | None:
    """Return why nothing can listen there, or None."""
    try:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return "another program is listening there" if error.errno == errno.EADDRINUSE else str(error.strerror)
    return None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError
