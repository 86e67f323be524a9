"""A machine that has nothing left for a moment: what works goes on working."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence

import pytest

from rolecall.app.supervisor import Place, Supervisor

WORKER = "import os, sys; os.write(1, b'ready\\n'); sys.stdin.buffer.read()"


def _command(number: int) -> Sequence[str]:
    del number
    return [sys.executable, "-c", WORKER]


def test_a_worker_that_cannot_be_started_again_at_once_does_not_end_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where memory is short, workers are what the system kills, and forks are what it refuses."""
    begin, starts = Supervisor._start, 0

    def start(self: Supervisor, place: Place) -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        begin(self, place)
        self._stop_asked = starts == 3

    def kill() -> None:
        process = supervisor._places[0].process
        assert process is not None
        process.kill()

    monkeypatch.setattr(Supervisor, "_start", start)
    with socket.socket() as listener:
        memory = os.memfd_create("numbers")
        supervisor = Supervisor(_command, listener, memory, 1)
        assert supervisor.run(b"{}", kill, patience=10) == 0
        os.close(memory)
    assert starts == 3
