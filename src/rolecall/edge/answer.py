"""An answer's head as bytes."""

from __future__ import annotations

import re
from http import HTTPStatus

from rolecall.message import Headers

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_UNSAFE = re.compile(r"[\r\n\0]")


def head_of(status: int, headers: Headers, more: str, length: int | None) -> bytes:
    """Return the head: `headers`, the lines in `more`, and Content-Length where `length` is given.

    A Content-Length among the headers gives way to `length`. Line breaks inside a value would be heads of their own
    (CVE-2020-10753); they become blanks.
    """
    lines = [_STATUS.get(status) or f"HTTP/1.1 {status} Unknown\r\n"]
    for name, value in headers:
        if length is not None and name == "content-length":
            continue
        if not value.isprintable() and _UNSAFE.search(value):
            value = _UNSAFE.sub(" ", value)  # noqa: PLW2901 - as good as never
        lines.append(f"{name}: {value}\r\n")
    if length is not None:
        lines.append(f"content-length: {length}\r\n")
    lines.append(more)
    return "".join(lines).encode("latin-1", "replace")
