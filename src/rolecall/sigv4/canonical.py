"""The canonical request: what a signature covers, made from the raw bytes that came.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_from_bytes, unquote_to_bytes

from rolecall.message import Request

_PLAIN_PATH = re.compile(rb"[A-Za-z0-9\-._~/]*")
_PLAIN = re.compile(rb"[A-Za-z0-9\-._~]*")
_BLANKS = re.compile(r"[ \t]+")


def canonical_request(
    request: Request, signed_headers: Iterable[str], signed_text: str, payload_hash: str, *, is_s3: bool
) -> bytes:
    """Return the canonical request over `signed_headers`; `signed_text` is their list as the client wrote it."""
    path = s3_path(request.raw_path) if is_s3 else normalized_path(request.raw_path)
    query = canonical_query(request.raw_query)
    headers = _header_lines(request, signed_headers)
    text = f"{request.method}\n{path}\n{query}\n{headers}\n\n{signed_text}\n{payload_hash}"
    return text.encode("latin-1", "replace")


def s3_path(raw: bytes) -> str:
    """Encode the decoded path once, and leave it as it is: keys may hold `//`, `.` and `..`."""
    if _PLAIN_PATH.fullmatch(raw):
        return raw.decode("ascii") or "/"
    return quote_from_bytes(unquote_to_bytes(raw), safe="/-._~")


def normalized_path(raw: bytes) -> str:
    """Remove dot segments and empty ones, then encode the path, encoded as it is, once more."""
    if raw == b"/":
        return "/"
    kept: list[bytes] = []
    for segment in raw.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in {b"", b"."}:
            kept.append(segment)
    tail = b"/" if kept and raw.endswith(b"/") else b""
    return quote_from_bytes(b"/" + b"/".join(kept) + tail, safe="/-._~")


def canonical_query(raw: bytes) -> str:
    """Decode and encode each parameter once, sort by name and value, leave the signature out. `+` is a blank."""
    if not raw:
        return ""
    pairs = []
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_encoded(name), _encoded(value)))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs if name != "X-Amz-Signature"])


def decoded(raw: bytes) -> bytes:
    """Return a name or value of a query, decoded once."""
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return unquote_to_bytes(raw) if b"%" in raw else raw


def _encoded(raw: bytes) -> str:
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    return quote_from_bytes(decoded(raw), safe="-._~")


def _header_lines(request: Request, names: Iterable[str]) -> str:
    """Return the lines of the signed headers."""
    values = request.by_name
    if len(values) == len(request.headers):
        lines = "\n".join([f"{name}:{values.get(name, '')}" for name in names])
        if not ("  " in lines or "\t" in lines or ": " in lines or " \n" in lines or lines.endswith(" ")):
            return lines
    values = _trimmed(request)
    return "\n".join([f"{name}:{values.get(name, '')}" for name in names])


def _trimmed(request: Request) -> dict[str, str]:
    """Return the values as they are signed: trimmed, runs of blanks made one, lines of one name joined by a comma.

    Only blanks and tabs are blanks here: in latin-1 text other "white space" is a byte of some UTF-8 character.
    """
    values: dict[str, str] = {}
    for name, value in request.headers:
        line = value.strip(" \t")
        if "  " in line or "\t" in line:
            line = _BLANKS.sub(" ", line)
        values[name] = f"{values[name]},{line}" if name in values else line
    return values
