"""Connections of one's own to a server, each to one of its workers, and which worker that is."""

from __future__ import annotations

import http.client
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.reliability.asking import LOST, Answer, Asked, Key
from tests.serving import Server

TIMEOUT = 30.0


class Connection:
    """One connection that is kept open, and made anew when the server let it go."""

    def __init__(self, server: Server) -> None:
        self._address = urlsplit(server.endpoint)
        root = server.root
        self._root = Key(root.access_key_id, root.secret_access_key)
        self._open: http.client.HTTPConnection | None = None

    def ask(self, asked: Asked) -> Answer:
        """Return the answer, or LOST where there was none. Nothing is ever sent twice."""
        try:
            answer = self.begin(asked)
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return LOST
        if answer.will_close:
            self.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def begin(self, asked: Asked) -> http.client.HTTPResponse:
        """Return the answer before its body was read. Raises OSError, HTTPException."""
        sent = asked.signed(self._root, self._address.netloc)
        connection = self.opened()
        target = f"{sent.path}?{sent.query}" if sent.query else sent.path
        connection.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.headers:
            connection.putheader(name, value)
        connection.endheaders(sent.body)
        return connection.getresponse()

    def opened(self) -> http.client.HTTPConnection:
        if self._open is None:
            self._open = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=TIMEOUT)
            self._open.connect()
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def worker(self) -> int:
        """Return the process at the other end."""
        socket = self.opened().sock
        mine, theirs = socket.getsockname(), socket.getpeername()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            inode = _inode(theirs, mine)
            for pid in descendants(os.getpid()) if inode else ():
                if _has_open(pid, f"socket:[{inode}]"):
                    return pid
            time.sleep(0.01)  # the connection waits to be accepted
        raise AssertionError("no process holds the other end of this connection")


def connection_to(server: Server, worker: int) -> Connection:
    """Return a connection to this worker; the system deals them out."""
    rejected = []
    try:
        for _ in range(200):
            connection = Connection(server)
            if connection.worker() == worker:
                return connection
            rejected.append(connection)
    finally:
        for connection in rejected:
            connection.close()
    raise AssertionError(f"200 connections, and none to worker {worker}")


def workers(server: Server) -> list[int]:
    """Return the processes that serve, told by having the store open."""
    store = str(server.data / "rolecall.db")
    return [pid for pid in descendants(server.process.pid) if _has_open(pid, store)]


def descendants(pid: int) -> list[int]:
    found = _children(pid)
    return [*found, *(deeper for child in found for deeper in descendants(child))]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def resident(pid: int) -> int:
    """Return the bytes that a process has in memory."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def holder_of_lock(path: Path) -> int | None:
    """Return the process that holds the lock file just now."""
    inode = path.stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "FLOCK" in fields and "->" not in fields and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    return None


def _children(pid: int) -> list[int]:
    try:
        # Each thread lists those that it started itself.
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for children in lists for child in children.split()]


def _inode(local: tuple[str, int], remote: tuple[str, int]) -> str:
    """Return the inode of the socket with these ends, or nothing."""
    wanted = (_hex(*local), _hex(*remote))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1], fields[2]) == wanted and fields[9] != "0":
            return fields[9]
    return ""


def _hex(host: str, port: int) -> str:
    return "".join(f"{int(part):02X}" for part in reversed(host.split("."))) + f":{port:04X}"


def _has_open(pid: int, name: str) -> bool:
    try:
        return any(str(entry.readlink()) == name for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
