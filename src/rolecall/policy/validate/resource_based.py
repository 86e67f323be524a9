"""What AWS's validators of resource-based policies share: trust policies and bucket policies are read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rolecall.policy.condition import network_of, spelled
from rolecall.policy.document import PRINCIPAL_TYPES, VERSIONS, Document
from rolecall.policy.parse import (
    DOCUMENT_ELEMENTS,
    STATEMENT_ELEMENTS,
    PolicyUnreadable,
    is_text,
    parse,
    read_json,
)
from rolecall.policy.validate.kind import Malformed

BAD_JSON = "This policy contains invalid Json"
_NAMED = re.compile(
    r"[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:(?:root|(?:user|role)/[^*?]+)"
    r"|arn:aws[a-z-]*:sts::[0-9]{12}:(?:assumed-role/[^/*?]+/[^/*?]+|federated-user/[^*?]+)"
    r"|(?:AIDA|AROA)[A-Z0-9]{12,28}",
    re.ASCII,
)
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:saml|oidc)-provider/[^*?]+", re.ASCII)
_CANONICAL = re.compile(r"[0-9a-f]{64}", re.ASCII)

Raw = Mapping[str, object]
"""A statement as JSON has it."""


def read_object(text: str, refusal: str) -> Raw:
    """Return the JSON object that `text` spells."""
    try:
        content = read_json(text)
    except PolicyUnreadable:
        raise Malformed(refusal) from None
    if not isinstance(content, dict):
        raise Malformed(refusal)
    return content


def statements_of(content: Raw) -> list[Raw]:
    """Return the statements of a document whose frame is right."""
    if "Statement" not in content:
        raise Malformed("Missing required field Statement")
    statements = content["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(each, dict) for each in statements):
        raise Malformed(BAD_JSON)
    if not DOCUMENT_ELEMENTS.issuperset(content) or not is_text(content.get("Id", "")):
        raise Malformed(BAD_JSON)
    if not statements:
        raise Malformed("Could not parse the policy: Statement is empty!")
    if content.get("Version", VERSIONS[0]) not in VERSIONS:
        raise Malformed("The policy must contain a valid version string")
    sids = [each["Sid"] for each in statements if each.get("Sid")]
    if not all(is_text(sid) for sid in sids):
        raise Malformed(BAD_JSON)
    if len({str(sid) for sid in sids}) != len(sids):
        raise Malformed("The Statement Ids in the policy are not unique")
    return statements


def frame(statement: Raw) -> None:
    """Hold the elements that every statement has against the rules: their names, the Effect, the Principal's shape."""
    if not STATEMENT_ELEMENTS.issuperset(statement):
        raise Malformed(BAD_JSON)
    if "Effect" not in statement:
        raise Malformed("Missing required field Effect")
    effect = statement["Effect"]
    if not is_text(effect):
        raise Malformed(BAD_JSON)
    if effect not in {"Allow", "Deny"}:
        raise Malformed(f"Invalid effect: {effect}")
    if {"Principal", "NotPrincipal"} <= statement.keys():
        raise Malformed(BAD_JSON)
    if "NotPrincipal" in statement and effect == "Allow":
        raise Malformed("Allow with NotPrincipal is not allowed.")
    present = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    if present not in statement:
        raise Malformed("Missing required field Principal")
    if statement[present] in ({}, [], ""):
        raise Malformed("Missing required field Principal cannot be empty!")


def named(principal: object) -> list[tuple[str, str]]:
    """Return the types and values of a principal that is an object."""
    if not isinstance(principal, dict):
        raise Malformed(BAD_JSON)
    found: list[tuple[str, str]] = []
    for kind, values in principal.items():
        listed = values if isinstance(values, list) else [values]
        if not all(is_text(value) for value in listed):
            raise Malformed(BAD_JSON)
        if not listed:
            raise Malformed("Missing required field Principal cannot be empty!")
        found.extend((kind, str(value)) for value in listed)
    return found


def is_principal(kind: str, value: str) -> bool:
    """Tell whether a principal is well formed. No part of one is a wildcard; only all of an AWS principal is."""
    if kind not in PRINCIPAL_TYPES:
        return False
    if kind == "AWS":
        return value == "*" or _NAMED.fullmatch(value) is not None
    if kind == "Service":
        return _DOMAIN.fullmatch(value) is not None
    if kind == "CanonicalUser":
        return _CANONICAL.fullmatch(value) is not None
    return _DOMAIN.fullmatch(value) is not None or _PROVIDER.fullmatch(value) is not None


def listed(statement: Raw, *names: str) -> list[str] | None:
    """Return the texts of the first of these elements that a statement has, None where it has none of them."""
    if len(names) > 1 and all(name in statement for name in names):
        raise Malformed(BAD_JSON)
    for name in names:
        if name in statement:
            value = statement[name]
            values = value if isinstance(value, list) else [value]
            if not all(is_text(item) for item in values):
                raise Malformed(BAD_JSON)
            return [str(item) for item in values]
    return None


def conditions(statement: Raw) -> list[tuple[str, str, list[str]]]:
    """Return operator, key and values of each line of a Condition whose operators and addresses are right."""
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(body, dict) for body in condition.values()):
        raise Malformed(BAD_JSON)
    found: list[tuple[str, str, list[str]]] = []
    for operator, body in condition.items():
        known = spelled(operator)
        if known is None:
            raise Malformed(f"Invalid Condition type : {operator}")
        for key, value in body.items():
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | bool) for item in values):
                raise Malformed(BAD_JSON)
            if known.operator.name.endswith("IpAddress") and any(network_of(str(item)) is None for item in values):
                raise Malformed("Invalid IP address in Conditions")
            found.append((known.operator.name, key, [str(item) for item in values]))
    return found


def finished(text: str, statements: Sequence[Raw]) -> Document:
    """Return the document of a text that has passed every other look."""
    for statement in statements:
        conditions(statement)
    try:
        return parse(text)
    except PolicyUnreadable:
        raise Malformed(BAD_JSON) from None
