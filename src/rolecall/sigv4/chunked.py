"""The aws-chunked body: decoded and verified while it streams.

Nothing here waits: bytes are fed in as they come, and the bytes of a chunk come out only once its signature holds.
Rules: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Mapping
from enum import Enum, auto

from rolecall.sigv4.mac import Mac
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import EMPTY_SHA256, Payload, Signed, is_signature_of

SMALLEST_CHUNK = 8 * 1024
"""Every chunk but the last has at least this size."""
LARGEST_SIGNED_CHUNK = 16 * 1024 * 1024
"""A signed chunk is held back until its end, so it must not be larger than this."""
LARGEST_TRAILER = 8 * 1024

_LONGEST_HEADER = 128
_SIGNED_HEADER = re.compile(rb"([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})")
_UNSIGNED_HEADER = re.compile(rb"([0-9a-fA-F]{1,16})")
_TRAILER = re.compile(rb"([A-Za-z0-9-]{1,128}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class Chain:
    """The chain of signatures that begins with the request's: each one covers the one before it."""

    __slots__ = ("_date_and_scope", "_key", "_previous")

    def __init__(self, signed: Signed, signing_key: Mac) -> None:
        """Begin with the signature of a request that was checked, and the key it was made with."""
        self._key = signing_key
        self._date_and_scope = f"{signed.amz_date}\n{signed.credential.scope}"
        self._previous = signed.signature

    def check_chunk(self, signature: str, sha256: str) -> None:
        """Raise SignatureProblem unless `signature` is that of the next chunk, whose data hash to `sha256`."""
        self._check(
            signature, f"AWS4-HMAC-SHA256-PAYLOAD\n{self._date_and_scope}\n{self._previous}\n{EMPTY_SHA256}\n{sha256}"
        )

    def check_trailer(self, signature: str, sha256: str) -> None:
        """Raise SignatureProblem unless `signature` is that of trailer lines that hash to `sha256`."""
        self._check(signature, f"AWS4-HMAC-SHA256-TRAILER\n{self._date_and_scope}\n{self._previous}\n{sha256}")

    def _check(self, signature: str, string_to_sign: str) -> None:
        if not is_signature_of(signature, self._key, string_to_sign):
            raise SignatureProblem(Problem.CHUNK_MISMATCH, string_to_sign=string_to_sign, provided=signature)
        self._previous = signature


class _At(Enum):
    HEADER = auto()
    DATA = auto()
    DATA_END = auto()
    END = auto()
    TRAILER = auto()
    TAIL = auto()


class ChunkedDecoder:
    """Takes an aws-chunked body apart, in one of its three forms, and holds it against what was declared."""

    def __init__(
        self, mode: Payload, decoded_length: int, *, chain: Chain | None = None, announced: Collection[str] = ()
    ) -> None:
        """`announced` are the lower-case names of `x-amz-trailer`; `chain` is needed where chunks are signed."""
        if mode not in {Payload.SIGNED_CHUNKS, Payload.SIGNED_CHUNKS_TRAILER, Payload.UNSIGNED_TRAILER}:
            raise ValueError(f"{mode} is not sent in chunks")
        if (chain is None) != (mode is Payload.UNSIGNED_TRAILER):
            raise ValueError("signed chunks need the chain of signatures, unsigned ones have none")
        self._mode = mode
        self._chain = chain
        self._awaited = decoded_length
        self._announced = frozenset(announced)
        self._at = _At.HEADER
        self._line = bytearray()
        self._chunk = 0
        self._size = SMALLEST_CHUNK
        self._remaining = 0
        self._signature = ""
        self._hash = hashlib.sha256()
        self._held: list[bytes] = []
        self._trailers: dict[str, str] = {}
        self._trailer_lines = bytearray()
        self._trailer_signature: str | None = None
        self._trailer_blank = False
        self._trailer_size = 0
        self._may_add_line = False

    @property
    def trailers(self) -> Mapping[str, str]:
        """The trailers by lower-case name. Raises ValueError before the body has ended well."""
        if self._at is not _At.TAIL:
            raise ValueError("trailers are known only after the end of the body")
        return self._trailers

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the body and return the data that is verified by now. Raises SignatureProblem."""
        ready: list[bytes] = []
        position = 0
        while position < len(data):
            if self._at is _At.DATA:
                piece = data[position : position + self._remaining]
                position += len(piece)
                self._take(piece, ready)
            else:
                position = self._read_line(data, position)
        return ready

    def finish(self) -> None:
        """Say that no more bytes come. Raises SignatureProblem unless the body was complete."""
        if self._at is not _At.TAIL or self._line:
            raise SignatureProblem(Problem.LENGTH)

    def _take(self, piece: bytes, ready: list[bytes]) -> None:
        self._remaining -= len(piece)
        self._awaited -= len(piece)
        if self._chain is None:
            ready.append(piece)
        else:
            self._hash.update(piece)
            self._held.append(piece)
            if not self._remaining:
                self._chain.check_chunk(self._signature, self._hash.hexdigest())
                ready += self._held
                self._held = []
        if not self._remaining:
            self._at = _At.DATA_END

    def _read_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        stop = len(data) if end < 0 else end + 1
        in_trailer = self._at is _At.TRAILER
        limit = LARGEST_TRAILER - self._trailer_size if in_trailer else _LONGEST_HEADER
        if len(self._line) + stop - position > limit:
            raise SignatureProblem(Problem.TRAILER_MALFORMED if in_trailer else Problem.CHUNK_FRAMING)
        self._line += data[position:stop]
        if end >= 0:
            line = bytes(self._line)
            self._line.clear()
            self._take_line(line)
        return stop

    def _take_line(self, line: bytes) -> None:
        if self._at is _At.TRAILER:
            self._trailer_size += len(line)
            self._take_trailer(line.removesuffix(b"\n").removesuffix(b"\r"))
            return
        if not line.endswith(b"\r\n"):
            raise SignatureProblem(Problem.CHUNK_FRAMING)
        if self._at is _At.HEADER:
            self._begin_chunk(line[:-2])
        elif line != b"\r\n" or (self._at is _At.TAIL and not self._may_add_line):
            raise SignatureProblem(Problem.CHUNK_FRAMING)
        elif self._at is _At.DATA_END:
            self._at = _At.HEADER
        else:
            self._at, self._may_add_line = _At.TAIL, False

    def _begin_chunk(self, header: bytes) -> None:
        match = (_UNSIGNED_HEADER if self._chain is None else _SIGNED_HEADER).fullmatch(header)
        if match is None:
            raise SignatureProblem(Problem.CHUNK_FRAMING)
        size = int(match[1], 16)
        if size and self._size < SMALLEST_CHUNK:
            raise SignatureProblem(Problem.CHUNK_SMALL, chunk=str(self._chunk), size=str(self._size))
        if size > self._awaited:
            raise SignatureProblem(Problem.LENGTH)
        if self._chain is not None:
            if size > LARGEST_SIGNED_CHUNK:
                raise SignatureProblem(Problem.CHUNK_LARGE, size=str(size))
            self._signature = match[2].decode()
            self._hash = hashlib.sha256()
        self._chunk += 1
        self._size = self._remaining = size
        self._at = _At.DATA
        if not size:
            self._end_chunks()

    def _end_chunks(self) -> None:
        if self._chain is not None:
            self._chain.check_chunk(self._signature, EMPTY_SHA256)
        if self._awaited:
            raise SignatureProblem(Problem.LENGTH)
        self._at = _At.END if self._mode is Payload.SIGNED_CHUNKS else _At.TRAILER

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            if self._mode is Payload.UNSIGNED_TRAILER or self._trailer_signature is not None:
                self._end_trailers()
            elif self._trailer_blank:
                raise SignatureProblem(Problem.TRAILER_MALFORMED)
            # AWS's own examples set the trailer's signature apart by an empty line; most clients do not.
            self._trailer_blank = True
            return
        match = _TRAILER.fullmatch(line)
        if match is None or self._trailer_signature is not None:
            raise SignatureProblem(Problem.TRAILER_MALFORMED)
        name, value = match[1].decode().lower(), match[2].decode()
        if name == _TRAILER_SIGNATURE and self._mode is Payload.SIGNED_CHUNKS_TRAILER:
            self._trailer_signature = value
            return
        if self._trailer_blank or name in self._trailers or name not in self._announced:
            raise SignatureProblem(Problem.TRAILER_MALFORMED)
        self._trailers[name] = value
        self._trailer_lines += f"{name}:{value}\n".encode()

    def _end_trailers(self) -> None:
        if self._chain is not None:
            sha256 = hashlib.sha256(self._trailer_lines).hexdigest()
            self._chain.check_trailer(self._trailer_signature or "", sha256)
        if self._announced != self._trailers.keys():
            raise SignatureProblem(Problem.TRAILER_MALFORMED)
        # Some clients close the body with one more empty line.
        self._at, self._may_add_line = _At.TAIL, True


async def decode(pieces: AsyncIterator[bytes], decoder: ChunkedDecoder) -> AsyncIterator[bytes]:
    """Yield the verified data of a body; ends only where all of it held. Raises SignatureProblem."""
    async for piece in pieces:
        for data in decoder.feed(piece):
            yield data
    decoder.finish()
