"""What can be wrong with a signature, as data: the words are found by whoever knows which service was called."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Problem(Enum):
    """The kinds of refusal. The comment names what `SignatureProblem.detail` holds."""

    TWO_MECHANISMS = "header and query authentication in one request"
    REPEATED = "an authentication header or parameter given twice"  # name
    OLD_VERSION = "signature version 2"
    ALGORITHM = "an algorithm that is not spoken"  # algorithm
    TOKEN_ALONE = "a security token in a request that is not signed"  # noqa: S105  # token

    HEADER_INCOMPLETE = "an Authorization header without all of its parts"  # missing (comma), authorization
    HEADER_MALFORMED = "an Authorization header that cannot be read"  # authorization
    QUERY_INCOMPLETE = "query authentication without all of its parameters"  # missing (comma)
    QUERY_MISSPELT = "an authentication parameter in another spelling"  # name
    FORM_INCOMPLETE = "a form without all of its authentication fields"  # missing
    CREDENTIAL_MALFORMED = "a credential without five parts"  # credential
    SIGNED_HEADERS_MALFORMED = "a list of signed headers that cannot be read"  # signed_headers
    DATE_MISSING = "no date"  # authorization
    DATE_MALFORMED = "a date that cannot be read"  # date
    EXPIRES_NOT_NUMBER = "a lifetime that is not a number"
    EXPIRES_NEGATIVE = "a lifetime below one second"
    EXPIRES_TOO_LONG = "a lifetime above a week"

    SCOPE_DATE = "a credential scoped to another day"  # scope, date
    SCOPE_REGION = "a credential scoped to another region"  # given, expected
    SCOPE_SERVICE = "a credential scoped to another service"  # given, expected
    SCOPE_TERMINATOR = "a credential without aws4_request"  # given
    HOST_UNSIGNED = "host is not signed"
    HEADERS_UNSIGNED = "headers that must be signed are not"  # headers (comma)

    PAYLOAD_MISSING = "no x-amz-content-sha256"
    PAYLOAD_UNKNOWN = "an x-amz-content-sha256 that names no way to send a body"  # payload
    PAYLOAD_TWICE = "two different values of x-amz-content-sha256"

    MISMATCH = "another signature"  # canonical_request (latin-1 text; absent for forms), string_to_sign, provided
    TOO_OLD = "signed too long ago"  # date
    TOO_NEW = "signed too far in the future"  # date
    EXPIRED = "a presigned request after its lifetime"  # date, expires
    NOT_YET_VALID = "a presigned request before its time"  # date

    CHUNK_MISMATCH = "a chunk with another signature"  # string_to_sign, provided
    CHUNK_FRAMING = "a body that is not aws-chunked"
    CHUNK_SMALL = "a chunk below 8 KiB that is not the last"  # chunk, size
    CHUNK_LARGE = "a chunk that is too large to be verified"  # size
    LENGTH = "another number of bytes than declared"
    TRAILER_MALFORMED = "trailers that cannot be read or were not announced"

    POLICY_UNREADABLE = "a form's policy that cannot be read"  # message
    POLICY_EXPIRED = "a form's policy after its end"
    POLICY_FAILED = "a form's policy that the form does not fulfil"  # condition
    POLICY_EXTRA = "a form's field that its policy does not cover"  # field


class SignatureProblem(Exception):
    """A request whose signature does not hold, or cannot be read."""

    def __init__(self, kind: Problem, **detail: str) -> None:
        """`detail` holds what the texts of a refusal need; see Problem."""
        super().__init__(kind.value)
        self.kind = kind
        self.detail: Mapping[str, str] = detail

    @property
    def readable(self) -> dict[str, str]:
        """The detail as text that any answer can carry."""
        return {name: readable(value) for name, value in self.detail.items()}


def readable(text: str) -> str:
    """Return client-supplied text with what is no character in it replaced, so that any encoder takes it."""
    return text.encode("utf-8", "replace").decode()
