"""A request's body, held against what its signature says of it while it streams."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from rolecall.clock import monotonic
from rolecall.message import Body, Request, ServiceError, at_hand
from rolecall.sigv4.chunked import Chain, ChunkedDecoder
from rolecall.sigv4.problem import SignatureProblem
from rolecall.sigv4.signature import EMPTY_SHA256, Payload
from rolecall.wire.checksums import Digest

_WORTH_A_THREAD = 128 * 1024
_SHORT = 32 * 1024
"""A body of up to so many bytes that has arrived is read in one piece."""
_MAX_DIGITS = 18
SLOW_SECONDS = 1.0
"""Seconds. A body that takes longer to arrive has its sender's credentials and rights looked at again at its end."""

Refuse = Callable[[SignatureProblem], ServiceError]


class Streaming(Protocol):
    """A body that yields only what holds so far, and ends only where all of it held."""

    @property
    def length(self) -> int | None:
        """The number of bytes that were declared; None where none or no number was."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes, once. Raises ServiceError."""
        ...

    def trailers(self) -> Mapping[str, str]:
        """Return the verified trailers by lower-case name, after the end."""
        ...

    def entrust(self) -> Digest | None:
        """Leave the hash that was signed to who takes the pieces; None where the body holds itself against it.

        Asked before `chunks`. Every piece must go through the digest in its order, in whatever thread, and then
        `prove` tells whether it held; before that the body has no trailers, and nobody may use it.
        """
        ...

    def prove(self) -> None:
        """Hear that every piece went through the digest that was entrusted. Raises ServiceError where it fails."""
        ...

    def at_hand(self) -> bytes | None:
        """Return the whole, in place of `chunks`, where it is short and has come; else None. Raises as `chunks`."""
        ...


class SlowBody:
    """A body that, where it was slow to arrive, asks a question once more before it ends."""

    def __init__(self, body: Streaming, ask: Callable[[], None]) -> None:
        """Read nothing yet. `ask` raises ServiceError where the body must not be used any more."""
        self._body = body
        self._ask = ask
        self._began = monotonic()

    @property
    def length(self) -> int | None:
        """How many bytes the body declares, as the body itself tells it."""
        return self._body.length

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes. Raises ServiceError as the body does, and as `ask` does."""
        async for piece in self._body.chunks():
            yield piece
        if monotonic() - self._began > SLOW_SECONDS:
            self._ask()

    def at_hand(self) -> bytes | None:
        """Return the whole where it has come already; such a body was not slow, and nothing is asked again."""
        return self._body.at_hand()

    def trailers(self) -> Mapping[str, str]:
        """Return the body's own."""
        return self._body.trailers()

    def entrust(self) -> Digest | None:
        """Entrust what the body does."""
        return self._body.entrust()

    def prove(self) -> None:
        """Prove the body."""
        self._body.prove()


class PlainBody:
    """A body sent as it is, its hash signed (`sha256`) or not (None)."""

    def __init__(self, request: Request, sha256: str | None) -> None:
        """Read nothing yet."""
        self._request = request
        self.sha256 = sha256
        self._entrusted: Digest | None = None

    @property
    def length(self) -> int | None:
        """The Content-Length; 0 for a request without a body, None for one of unknown length."""
        declared = self._request.header("content-length")
        if declared is None:
            return None if self._request.header("transfer-encoding") else 0
        return _number(declared)

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes. Raises ServiceError where their length is not declared, or it or the hash does not hold."""
        if self._request.header("content-length") is None or self.length is None:
            raise _length_missing()
        return self.whole()

    async def whole(self) -> AsyncIterator[bytes]:
        """Do as `chunks`, also for a body without a Content-Length."""
        length, received = self.length, 0
        digest = hashlib.sha256() if self.sha256 is not None and self._entrusted is None else None
        if length != 0:
            async for piece in self._request.body.chunks():
                received += len(piece)
                if length is not None and received > length:
                    raise _incomplete()
                if digest is not None:
                    digest.update(piece)
                yield piece
        if length is not None and received != length:
            raise _incomplete()
        if digest is not None:
            self._hold(digest.hexdigest())

    def at_hand(self) -> bytes | None:
        """Return the whole, verified, where it is short and has come. Raises ServiceError as `chunks` does."""
        length = self.length
        if length is None or length > _SHORT or self._request.header("content-length") is None:
            return None
        whole = at_hand(self._request.body)
        if whole is None:
            return None
        if len(whole) != length:
            raise _incomplete()
        if self.sha256 is not None:
            self._hold(hashlib.sha256(whole).hexdigest())
        return whole

    def entrust(self) -> Digest | None:
        """Return the SHA-256 that the pieces must go through, where one was signed."""
        if self.sha256 is not None:
            self._entrusted = hashlib.sha256()
        return self._entrusted

    def prove(self) -> None:
        """Hold what went through the digest against what was signed. Raises ServiceError XAmzContentSHA256Mismatch."""
        digest, self._entrusted = self._entrusted, None
        if digest is not None:
            self._hold(digest.digest().hex())

    def trailers(self) -> Mapping[str, str]:
        """Return no trailers: this kind of body has none. Raises ValueError while an entrusted hash is not proved."""
        if self._entrusted is not None:
            raise ValueError("the body's hash was entrusted and is not proved")
        return {}

    def _hold(self, computed: str) -> None:
        if self.sha256 is not None and computed != self.sha256:
            raise _hash_mismatch(self.sha256, computed)


class ChunkedBody:
    """A body in aws-chunked form."""

    def __init__(self, request: Request, mode: Payload, chain: Chain | None, refuse: Refuse) -> None:
        """Read nothing yet. `refuse` words the problems that the decoder finds."""
        self._request = request
        self._mode = mode
        self._chain = chain
        self._refuse = refuse
        self._trailers: Mapping[str, str] | None = None

    @property
    def length(self) -> int | None:
        """The `x-amz-decoded-content-length`."""
        return _number(self._request.header("x-amz-decoded-content-length") or "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield decoded bytes, those of a signed chunk only after its signature held. Raises ServiceError."""
        length = self.length
        if length is None:
            raise _length_missing()
        decoder = ChunkedDecoder(self._mode, length, chain=self._chain, announced=self._announced())
        try:
            async for piece in self._request.body.chunks():
                if len(piece) >= _WORTH_A_THREAD:
                    ready = await asyncio.to_thread(decoder.feed, piece)
                else:
                    ready = decoder.feed(piece)
                for data in ready:
                    yield data
            decoder.finish()
        except SignatureProblem as problem:
            raise self._refuse(problem) from None
        self._trailers = decoder.trailers

    def at_hand(self) -> None:
        """Return None: the pieces are held against their signatures one by one."""

    def _announced(self) -> list[str]:
        if self._mode is Payload.SIGNED_CHUNKS:
            return []
        names = [name.strip().lower() for name in (self._request.header("x-amz-trailer") or "").split(",")]
        return [name for name in names if name]

    def trailers(self) -> Mapping[str, str]:
        """Return the verified trailers by lower-case name. Raises ValueError before the end."""
        if self._trailers is None:
            raise ValueError("trailers are known only after the end of the body")
        return self._trailers

    def entrust(self) -> None:
        """Return None: no piece is yielded whose signature did not hold."""

    def prove(self) -> None:
        """Do nothing: the end of `chunks` is the proof."""


def empty_body(body: Streaming) -> bytes | None:
    """Return the body of a request whose head says that none comes; None where it has to be read.

    Raises ServiceError where another hash was signed.
    """
    if not isinstance(body, PlainBody) or body.length != 0:
        return None
    declared = body.sha256
    if declared is not None and declared != EMPTY_SHA256:
        raise _hash_mismatch(declared, EMPTY_SHA256)
    return b""


async def read_all(body: Body, limit: int) -> bytes:
    """Return the whole of a small body, whose length need not be declared.

    Raises ServiceError MaxMessageLengthExceeded (400) for one above `limit`, and what the body itself raises.
    """
    whole = None if isinstance(body, PlainBody) else at_hand(body)
    if whole is not None:
        if len(whole) > limit:
            raise _too_large()
        return whole
    read = bytearray()
    async for piece in body.whole() if isinstance(body, PlainBody) else body.chunks():
        read += piece
        if len(read) > limit:
            raise _too_large()
    return bytes(read)


def _too_large() -> ServiceError:
    return ServiceError("MaxMessageLengthExceeded", "Your request was too large.", 400)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _length_missing() -> ServiceError:
    return ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)


def _incomplete() -> ServiceError:
    text = "You did not provide the number of bytes specified by the Content-Length HTTP header."
    return ServiceError("IncompleteBody", text, 400)


def _hash_mismatch(declared: str, computed: str) -> ServiceError:
    return ServiceError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
        fields={"ClientComputedContentSHA256": declared, "S3ComputedContentSHA256": computed},
    )
