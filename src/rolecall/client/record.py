"""Reading a CloudTrail record: its parts by name, whether or not they are there."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.client.events import Record

_REFUSING = (
    "AccessDenied",
    "Client.UnauthorizedOperation",
    "UnauthorizedOperation",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidSignatureException",
)


def text(record: Record, *path: str) -> str:
    """Return the text at a path of names, empty where there is none."""
    value = _at(record, path)
    return "" if value is None else _harmless(str(value))


def objects(record: Record, *path: str) -> list[Record]:
    """Return the list of objects at a path of names, empty where there is none."""
    value = _at(record, path)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(record: Record, name: str) -> list[str] | None:
    """Return the list of texts of this name; None where it is null or not there."""
    value = record.get(name)
    return [_harmless(str(one)) for one in value] if isinstance(value, list) else None


def is_refused(record: Record) -> bool:
    """Tell whether the request was refused for what the caller is, or is not, allowed."""
    return text(record, "additionalEventData", "httpStatus") == "403" or text(record, "errorCode").startswith(_REFUSING)


def caller(record: Record) -> str:
    """Return who asked, as short as it stays clear."""
    arn = text(record, "userIdentity", "arn")
    if arn:
        return arn.rpartition(":")[2]
    return {"AWSAccount": "anonymous"}.get(text(record, "userIdentity", "type"), "nobody proved")


def owner(record: Record) -> str:
    """Return whose policies count for the caller: of a session made by GetFederationToken, its user's."""
    if text(record, "userIdentity", "type") == "FederatedUser":
        issuer = text(record, "userIdentity", "sessionContext", "sessionIssuer", "arn")
        return f"{issuer.rpartition(':')[2]} ({caller(record)})" if issuer else caller(record)
    return caller(record)


def action(record: Record) -> str:
    """Return the operation as `service:Name`."""
    service = text(record, "eventSource").removesuffix(".amazonaws.com")
    return f"{service}:{text(record, 'eventName') or '?'}"


def subjects(record: Record) -> list[str]:
    """Return the resources that the request was about."""
    return [text(one, "ARN") for one in objects(record, "resources")]


def _harmless(words: str) -> str:
    """Return text without characters that a terminal obeys: names of objects and agents are chosen by anybody."""
    return (
        words
        if words.isprintable()
        else "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)
    )


def _at(record: Mapping[str, object], path: tuple[str, ...]) -> object:
    value: object = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
