"""The application to compare with: it reads every request to its end and answers what was once answered to its like.

Nothing is checked, nothing looked up. What it reaches on the same HTTP server is what any application could.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ANSWERS = "BENCH_ANSWERS"
"""The environment variable that names the file of answers: a list of kind, headers and size of the body."""
LARGE = "BENCH_LARGE"
"""The environment variable that names the file that is sent where a body is large and the server can send files."""
_PIECE = 256 * 1024


def kind_of(method: str, raw_path: bytes, query: bytes) -> str:
    """Return which answer a request gets: by its method, its bucket, and whether it has a query."""
    return f"{method} {raw_path.split(b'/', 2)[1].decode()}{'?' if query else ''}"


def application() -> Application:
    """Make the ASGI application."""
    answers = {
        kind: ([(name.encode(), value.encode()) for name, value in headers], bytes(size))
        for kind, headers, size in json.loads(Path(os.environ[ANSWERS]).read_text())
    }
    hello = ([(b"content-length", b"5")], b"hello")

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (await receive()).get("more_body"):
            pass
        headers, body = answers.get(kind_of(scope["method"], scope["raw_path"], scope["query_string"]), hello)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if len(body) > _PIECE and "http.response.pathsend" in scope.get("extensions", {}):
            await send({"type": "http.response.pathsend", "path": os.environ[LARGE]})
            return
        for start in range(0, len(body) - _PIECE, _PIECE):
            await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": body[-_PIECE:]})

    return answer
