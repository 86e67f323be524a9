"""What a request turned out to ask for, and whom its refusal is told."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rolecall.wire.model import OperationModel


class Routed(msgspec.Struct, frozen=True):
    """A request's service and operation, and the names in it, each decoded once: nobody decodes them again."""

    service: str
    operation: OperationModel
    bucket: str | None = None
    key: str | None = None
    """The object's key, exactly: `//`, `.` and `..` mean nothing in it."""
    form: Mapping[str, str] | None = None
    """The query protocol's parameters, of the URL and of the body."""
    query: Mapping[str, str] = {}
    """The URL's parameters."""
    labels: Mapping[str, str] = {}
    """What stands in the path in place of a REST operation's labels."""
    accept_json: bool = False
    """Whether a query-protocol client asked for JSON."""
    raw_body: bytes | None = None
    """The body, where it was read before authentication."""


class Addressee(msgspec.Struct, frozen=True):
    """Whom a refusal is told: what of a request its words and their form depend on."""

    service: str
    request_id: str
    host_id: str
    head: bool = False
    """The request was a HEAD, whose answer has no body."""
    accept_json: bool = False
    """The query protocol was asked for JSON."""
