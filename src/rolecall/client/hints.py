"""What a caller could do about a condition without changing a policy: most condition keys say how a request is made."""

from __future__ import annotations

from rolecall.client.events import Record
from rolecall.client.record import text, texts

_BOOLEAN = {
    "aws:securetransport": ("call over TLS (https)", "call without TLS (http)"),
    "aws:multifactorauthpresent": (
        "call with an MFA device (--serial-number and --token-code)",
        "call with credentials that no MFA device stands behind",
    ),
}
"""Keys that are true or false: how to make them so."""
_MADE = {
    "aws:sourceip": "call from another address",
    "aws:vpcsourceip": "call from another address",
    "aws:sourcevpc": "call through another VPC",
    "aws:sourcevpce": "call through another VPC endpoint",
    "aws:multifactorauthage": "prove MFA again (--serial-number and --token-code)",
    "aws:tokenissuetime": "get fresh credentials",
    "aws:currenttime": "call at another time",
    "aws:epochtime": "call at another time",
    "aws:referer": "send another Referer",
    "aws:useragent": "send another User-Agent",
    "aws:requestedregion": "call another region (--region)",
    "aws:tagkeys": "pass other tags (--tags)",
    "sts:externalid": "pass the external id (--external-id)",
    "sts:rolesessionname": "choose another session name (--role-session-name)",
    "sts:sourceidentity": "pass the source identity (--source-identity)",
    "sts:durationseconds": "ask for another duration (--duration-seconds)",
    "sts:transitivetagkeys": "pass other transitive tags (--transitive-tag-keys)",
    "iam:policyarn": "name another policy (--policy-arn)",
    "iam:permissionsboundary": "set another permissions boundary (--permissions-boundary)",
    "s3:prefix": "list under another prefix (--prefix)",
    "s3:delimiter": "list with another delimiter (--delimiter)",
    "s3:max-keys": "ask for fewer keys (--max-keys)",
    "s3:versionid": "ask for another version (--version-id)",
    "s3:if-match": "send another If-Match (--if-match)",
    "s3:if-none-match": "send another If-None-Match (--if-none-match)",
    "s3:tlsversion": "call with another version of TLS",
    "s3:authtype": "sign in another way",
    "s3:signatureversion": "sign with another version of the signature",
    "s3:signatureage": "sign anew",
    "s3:requestobjecttagkeys": "pass other tags (--tagging)",
}
_HEADER = "s3:x-amz-"
_OPTIONS = {
    "server-side-encryption-aws-kms-key-id": "ssekms-key-id",
    "server-side-encryption-customer-algorithm": "sse-customer-algorithm",
}
"""How the aws command calls what is not called like its header."""
_TAGS = {"aws:requesttag/": "--tags", "s3:requestobjecttag/": "--tagging"}
_TAGGED = {
    "aws:principaltag/": "give the caller another tag",
    "aws:resourcetag/": "give the resource another tag",
    "iam:resourcetag/": "give the resource another tag",
    "s3:existingobjecttag/": "give the object another tag",
}
_WHO = ("aws:principal", "aws:userid", "aws:username", "aws:resource", "s3:resource")
"""Keys that say who asks, and whose the resource is."""


def to_hold(looked: Record) -> str:
    """Return how a request could be made for which a condition that failed holds."""
    key = text(looked, "key").lower()
    told = _controlled(looked, holds=True) or next((_TAGGED[tag] for tag in _TAGGED if key.startswith(tag)), "")
    if not told and key.startswith(_WHO):
        return "let another caller make the request"
    return told or f"make the request with another {text(looked, 'key')}"


def to_fail(looked: Record) -> str:
    """Return how a request could be made for which a condition that held fails; empty: its caller has no say in it."""
    return _controlled(looked, holds=False)


def _controlled(looked: Record, *, holds: bool) -> str:
    """Return how a caller can make the request so that a condition holds, or does not."""
    key, operator = text(looked, "key").lower(), text(looked, "operator").lower()
    expected = texts(looked, "expected") or []
    if key in _BOOLEAN:
        return _BOOLEAN[key][0 if _wants_true(operator, expected) is holds else 1]
    if key.startswith(_HEADER):
        return _header(key.removeprefix("s3:"), operator, expected, holds=holds)
    for tag, option in _TAGS.items():
        if key.startswith(tag):
            return f"pass another tag {text(looked, 'key')[len(tag) :]} ({option})"
    return _MADE.get(key, "")


def _wants_true(operator: str, expected: list[str]) -> bool:
    """Tell whether a condition on a key of yes and no holds for yes. `Null` holds for what is not there."""
    said = "true" in [value.lower() for value in expected]
    return said is not (operator == "null" or "not" in operator)


def _header(name: str, operator: str, expected: list[str], *, holds: bool) -> str:
    bare = name.removeprefix("x-amz-")
    option = "" if bare == "content-sha256" else f" (--{_OPTIONS.get(bare, bare)})"
    if operator == "null":
        return f"{'send' if _wants_true(operator, expected) is holds else 'leave out'} the header {name}{option}"
    listed = ("not" not in operator) is holds
    values = " or ".join(f"`{value}`" for value in expected)
    return f"send the header {name}{option} with {values if listed else 'another value, or none'}"
