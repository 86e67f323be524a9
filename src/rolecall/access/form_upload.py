"""An upload by HTML form: its sender is proved by its fields, and its file is held against its policy as it streams.

Rules: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from rolecall.access.authenticate import FormAuthenticated, authenticate_form
from rolecall.access.credentials import KnownCredentials
from rolecall.access.unproved import ONE_MECHANISM
from rolecall.message import Request, ServiceError
from rolecall.sigv4.claim import query_credential
from rolecall.sigv4.form import PostPolicy
from rolecall.store.interface import Snapshot
from rolecall.wire.form_data import FormStream

LARGEST = 5 * 1024**3
"""The largest file, in bytes, that one upload may bring."""


class FormUpload:
    """A form whose fields have been read and whose file has not."""

    def __init__(self, stream: FormStream, fields: Mapping[str, str]) -> None:
        """See `open_form`."""
        self._stream = stream
        self.fields = fields
        """The fields by lower-case name, `${filename}` replaced."""

    def authenticate(
        self, *, bucket: str, view: Snapshot, now: datetime, known: KnownCredentials, region: str | None
    ) -> FormAuthenticated:
        """Return who sent the form to the `bucket` of the path, whatever its fields say. Raises ServiceError."""
        return authenticate_form(self.fields, bucket=bucket, view=view, now=now, known=known, region=region)

    def file(self, policy: PostPolicy | None) -> FormFile:
        """Return the file, to be held against what the policy says of its length."""
        return FormFile(self._stream, policy)


class FormFile:
    """The file of a form, as a body that streams."""

    def __init__(self, stream: FormStream, policy: PostPolicy | None) -> None:
        """Read nothing yet."""
        self._stream = stream
        self._policy = policy

    @property
    def length(self) -> int | None:
        """None: a form does not say how long its file is."""
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file. Raises ServiceError EntityTooLarge, EntityTooSmall (400), MalformedPOSTRequest."""
        longest = min(self._policy.longest, LARGEST) if self._policy is not None else LARGEST
        shortest = self._policy.shortest if self._policy is not None else 0
        received = 0
        async for piece in self._stream.file():
            received += len(piece)
            if received > longest:
                raise _of_wrong_size("EntityTooLarge", "exceeds the maximum", received, MaxSizeAllowed=longest)
            yield piece
        if received < shortest:
            raise _of_wrong_size("EntityTooSmall", "is smaller than the minimum", received, MinSizeAllowed=shortest)

    def at_hand(self) -> None:
        """Return None: where the file ends is known only at its end."""

    def trailers(self) -> Mapping[str, str]:
        """Return no trailers: a form has none."""
        return {}

    def entrust(self) -> None:
        """Return None: no hash of the file is signed."""

    def prove(self) -> None:
        """Do nothing: the fields were proved before the file."""


async def open_form(request: Request) -> FormUpload:
    """Read the form of `request` up to its file. Raises ServiceError for one that is not well formed.

    The fields are its proof. One that came in the head too would be passed over, right or wrong, so it is refused.
    """
    if request.header("authorization") is not None or query_credential(request.raw_query):
        raise ServiceError("InvalidArgument", ONE_MECHANISM)
    stream = FormStream(request.header("content-type") or "", request.body.chunks())
    return FormUpload(stream, await stream.head())


def _of_wrong_size(code: str, verdict: str, received: int, **bound: int) -> ServiceError:
    fields = {"ProposedSize": str(received)} | {name: str(size) for name, size in bound.items()}
    return ServiceError(code, f"Your proposed upload {verdict} allowed size", 400, fields=fields)
