"""`rolecall serve`: the command, and the HTTP server around the application."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from pathlib import Path

from rolecall.app.folder import DataFolder, FolderRefused
from rolecall.app.founding import found
from rolecall.app.logs import begin_log
from rolecall.app.shared import make_shared
from rolecall.app.supervisor import Supervisor, worker_command
from rolecall.app.tls import tls_context
from rolecall.config import Settings, UnsafeSettings
from rolecall.store.interface import StoreError

BACKLOG = 4096


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`."""
    option = parser.add_argument
    option("--data", type=Path, required=True, metavar="DIR", help="the data folder; made at first start")
    option("--host", default="127.0.0.1", metavar="HOST", help="the address to listen on (default: 127.0.0.1)")
    option("--port", type=int, default=4500, help="the port to listen on, 0 for a free one (default: 4500)")
    cores = os.cpu_count() or 1
    option("--workers", type=int, default=min(2, cores), metavar="N", help="processes (default: 2; 1 on one core)")
    option("--account", metavar="ID", help="the account id of a new data folder (default: drawn)")
    option("--tutorial", action="store_true", help="lay out the tutorial's world in a new data folder")
    option("--tls-certificate", type=Path, metavar="PEM", help="serve TLS 1.2 and 1.3 with this certificate chain")
    option("--tls-key", type=Path, metavar="PEM", help="the certificate's private key")
    option("--allow-plain-http", action="store_true", help="listen beyond loopback without TLS")
    option("--trusted-proxy", action="append", default=[], metavar="NETWORK", help="whose forwarded addresses count")
    option("--base-domain", action="append", default=[], metavar="DOMAIN", help="also address buckets as BUCKET.DOMAIN")
    option("--region", help="refuse signatures whose scope names another region (default: any is taken as signed)")
    option("--rate-limit", type=float, metavar="N", help="requests a second of one principal (default: no limit)")
    option("--anonymous-rate-limit", type=float, metavar="N", help="the same, unsigned, of one address")
    option("--metrics-token-file", type=Path, metavar="FILE", help="the bearer token that /-/metrics asks for")
    option("--log-format", choices=("text", "json"), default="text", help="how the log is written (default: text)")
    option("--no-sync", action="store_true", help="acknowledge writes before they are durable (benchmarks only)")
    parser.epilog = "Exit code 2 when the server cannot start as it was asked to."


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop; return the exit code."""
    try:
        settings = _settings(arguments).checked()
        begin_log(settings.log_format)
        folder = DataFolder(settings.data)
        folder.create()
        with folder.hold(), _listener(settings) as listener:
            return _serve(settings, folder, listener)
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
        principal_rate=arguments.rate_limit,
        anonymous_rate=arguments.anonymous_rate_limit,
        metrics_token_file=arguments.metrics_token_file and arguments.metrics_token_file.absolute(),
        log_format=arguments.log_format,
    )


def _serve(settings: Settings, folder: DataFolder, listener: socket.socket) -> int:
    """Start the workers, which load their code while the folder is made ready, and watch over them."""
    shared = make_shared(settings.workers)
    supervisor = Supervisor(worker_command(listener, shared), listener, shared, settings.workers)
    try:
        for line in found(folder, settings):
            print(line, flush=True)
    except BaseException:
        supervisor.stop(0)
        raise
    address = _address(settings, listener)
    return supervisor.run(settings.to_line(), lambda: print(f"ready {address}", flush=True), settings.stop_timeout + 2)


def _listener(settings: Settings) -> socket.socket:
    """Return the bound socket that all workers accept from. Raises UnsafeSettings where nothing can listen there."""
    try:
        tls_context(settings)
    except OSError as error:
        raise UnsafeSettings(f"cannot use the certificate `{settings.tls_certificate}`: {error}.") from None
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "another program is listening there" if taken else str(error.strerror)
        raise UnsafeSettings(f"cannot listen on {settings.host}:{settings.port}: {reason}.") from None
    return listener


def _address(settings: Settings, listener: socket.socket) -> str:
    scheme = "https" if settings.tls_certificate else "http"
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{shown}:{listener.getsockname()[1]}"
