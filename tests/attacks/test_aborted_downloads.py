"""Clients that hang up in the middle: nothing stays open for them, and they write no log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.edge.served import GET, served

from rolecall.message import FileBody, Request, Response

SIZE = 20_000_000


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_downloads_that_are_broken_off_leave_no_file_open_and_no_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each wrote a warning, so whoever asked and hung up in a loop filled the disk of the log."""
    path = tmp_path / "object"
    path.write_bytes(bytes(SIZE))

    async def answer(request: Request) -> Response:
        del request
        return Response(200, (("content-length", str(SIZE)),), FileBody(str(path), SIZE))

    with caplog.at_level(logging.WARNING), served(answer) as server:
        before = _open_files()
        for _ in range(50):
            with server.connect() as connection:
                connection.sendall(GET + b"\r\n")
                connection.recv(1000)
        server.wait_until_idle()
        assert _open_files() <= before + 2
    assert [record.getMessage() for record in caplog.records] == []
