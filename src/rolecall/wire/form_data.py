"""Uploads by HTML form (multipart/form-data): the fields first, then the bytes of the file as they come.

Nothing here waits: bytes are fed in, and file bytes come out. Rules: RFC 7578, and what S3 makes of it,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from enum import Enum, auto

from rolecall.message import ServiceError

LARGEST_FIELDS = 20 * 1024
"""What the fields before the file, their headers included, may take together."""
MOST_FIELDS = 200

_LARGEST_PART_HEAD = 4096
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = re.compile(r';[ \t]*([A-Za-z*-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;"]*))[ \t]*')
_FILENAME = "${filename}"


class _At(Enum):
    DELIMITER = auto()
    PART_HEAD = auto()
    FIELD = auto()
    FILE = auto()
    AFTER_FILE = auto()
    END = auto()


class FormData:
    """Takes a form apart. `fields` and `file_name` are complete once `in_file` is true."""

    def __init__(self, content_type: str) -> None:
        """Take the boundary from the request's Content-Type. Raises ServiceError where it names none."""
        self._delimiter = b"\r\n--" + boundary_of(content_type)
        # The first delimiter has no line end before it.
        self._buffer = bytearray(b"\r\n")
        self._at = _At.DELIMITER
        self._fields: dict[str, str] = {}
        self._name = ""
        self._taken = 0
        self.file_name = ""
        self.file_type = ""
        """The Content-Type that the file's part carries; empty where it carries none."""
        self.in_file = False

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields before the file by lower-case name, `${filename}` in their values replaced."""
        return {name: value.replace(_FILENAME, self.file_name) for name, value in self._fields.items()}

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the body and return the file's bytes among them. Raises ServiceError."""
        self._buffer += data
        ready: list[bytes] = []
        while self._step(ready):
            pass
        if self._at is not _At.FILE and self._taken + len(self._buffer) > LARGEST_FIELDS + len(self._delimiter):
            raise _fields_too_large()
        return ready

    def finish(self) -> None:
        """Say that no more bytes come. Raises ServiceError unless the form was complete and had a file."""
        if self._at is not _At.END or bytes(self._buffer) not in {b"", b"\r\n"}:
            raise _malformed()
        if not self.in_file:
            raise ServiceError("InvalidArgument", "POST requires exactly one file upload per request.", 400)

    def _step(self, ready: list[bytes]) -> bool:
        """Take one thing out of the buffer; return whether there may be another."""
        if self._at is _At.DELIMITER:
            return self._take_delimiter()
        if self._at is _At.PART_HEAD:
            return self._take_part_head()
        if self._at is _At.END:
            if len(self._buffer) > 2:
                raise _malformed()
            return False
        return self._take_content(ready)

    def _take_delimiter(self) -> bool:
        wanted = len(self._delimiter) + 2
        if len(self._buffer) < wanted:
            if not self._delimiter.startswith(self._buffer[: len(self._delimiter)]):
                raise _malformed()
            return False
        ending = bytes(self._buffer[len(self._delimiter) : wanted])
        if not self._buffer.startswith(self._delimiter) or ending not in {b"\r\n", b"--"}:
            raise _malformed()
        self._consume(wanted)
        if ending == b"--":
            self._at = _At.END
        else:
            # The line end stays: a part without any header has its empty line at once.
            self._buffer[:0] = b"\r\n"
            self._taken -= 2
            self._at = _At.PART_HEAD
        return True

    def _take_part_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_PART_HEAD:
                raise _malformed()
            return False
        lines = bytes(self._buffer[:end]).decode("utf-8", "replace").split("\r\n")[1:]
        self._consume(end + 4)
        self._begin_part(_part_headers(lines))
        return True

    def _begin_part(self, headers: Mapping[str, str]) -> None:
        parameters = _disposition(headers.get("content-disposition", ""))
        name = parameters.get("name")
        if name is None:
            raise _malformed()
        self._name = name.lower()
        if self.in_file:
            self._at = _At.AFTER_FILE
        elif self._name == "file":
            self.file_name = parameters.get("filename", "").replace("\\", "/").rpartition("/")[2]
            self.file_type = headers.get("content-type", "")
            self.in_file = True
            self._taken = 0
            self._at = _At.FILE
        else:
            self._at = _At.FIELD

    def _take_content(self, ready: list[bytes]) -> bool:
        end = self._buffer.find(self._delimiter)
        if end < 0:
            # What may be the beginning of a delimiter stays.
            safe = len(self._buffer) - len(self._delimiter) + 1
            if self._at is _At.FILE and safe > 0:
                ready.append(bytes(self._buffer[:safe]))
                del self._buffer[:safe]
            return False
        content = bytes(self._buffer[:end])
        if self._at is _At.FILE:
            if content:
                ready.append(content)
            del self._buffer[:end]
        else:
            self._consume(end)
            if self._at is _At.FIELD:
                self._keep_field(content)
        self._at = _At.DELIMITER
        return True

    def _keep_field(self, content: bytes) -> None:
        if self._name in self._fields or len(self._fields) >= MOST_FIELDS:
            raise _malformed()
        try:
            self._fields[self._name] = content.decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed() from None

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        self._taken += count
        if self._taken > LARGEST_FIELDS:
            raise _fields_too_large()


class FormStream:
    """A form read from a request's body: `head` first, then the file."""

    def __init__(self, content_type: str, pieces: AsyncIterator[bytes]) -> None:
        """Read nothing yet. Raises ServiceError for a Content-Type without a boundary."""
        self.form = FormData(content_type)
        self._pieces = pieces
        self._waiting: list[bytes] = []
        self._ended = False

    async def head(self) -> Mapping[str, str]:
        """Read up to the file and return the fields by lower-case name. Raises ServiceError."""
        while not self.form.in_file:
            piece = await anext(self._pieces, None)
            if piece is None:
                self._ended = True
                self.form.finish()
                break
            self._waiting += self.form.feed(piece)
        return self.form.fields

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes; ends only where the form ended well. Raises ServiceError."""
        for piece in self._waiting:
            yield piece
        self._waiting = []
        async for piece in self._pieces:
            for data in self.form.feed(piece):
                yield data
        self.form.finish()


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type of multipart/form-data names. Raises ServiceError."""
    kind, _, _ = content_type.partition(";")
    boundary = _parameters(content_type[len(kind) :]).get("boundary", "")
    if kind.strip().lower() != "multipart/form-data" or not _BOUNDARY.fullmatch(boundary):
        raise ServiceError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            412,
            fields={"Condition": "Bucket POST must be of the enclosure-type multipart/form-data"},
        )
    return boundary.encode()


def _part_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name.lower() in headers:
            raise _malformed()
        headers[name.lower()] = value.strip(" \t")
    return headers


def _disposition(value: str) -> dict[str, str]:
    kind, _, _ = value.partition(";")
    if kind.strip().lower() != "form-data":
        raise _malformed()
    return _parameters(value[len(kind) :])


def _parameters(text: str) -> dict[str, str]:
    """Return `; name=value` pairs. In quoted values browsers write a quote as %22, others with a backslash."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None or match[1].lower() in found:
            raise _malformed()
        quoted = match[2]
        found[match[1].lower()] = (
            match[3] if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted).replace("%22", '"')
        )
        position = match.end()
    return found


def _malformed() -> ServiceError:
    text = "The body of your POST request is not well-formed multipart/form-data."
    return ServiceError("MalformedPOSTRequest", text, 400)


def _fields_too_large() -> ServiceError:
    text = "Your POST request fields preceding the upload file were too large."
    return ServiceError("MaxPostPreDataLengthExceededError", text, 400)
