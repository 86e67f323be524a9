"""Uploads by HTML form: the signature over a policy, and the policy that the form must fulfil.

Rules: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rolecall.sigv4.claim import ALGORITHM
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import (
    LONGEST,
    SKEW,
    Payload,
    Scheme,
    Signed,
    check_scope,
    is_signature_of,
    parse_amz_date,
    parse_credential,
    signing_key,
)

_FIELDS = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
_NOT_COVERED = frozenset({"policy", "x-amz-signature", "file"})
_EXPIRATION = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?Z", re.ASCII)
_MAX_LENGTH = 2**63 - 1


def read_form(fields: Mapping[str, str]) -> Signed | None:
    """Return what a form, its fields by lower-case name, says of its signature; None where it has none.

    Raises SignatureProblem for one that is incomplete or of a kind that is not spoken.
    """
    if "awsaccesskeyid" in fields or "signature" in fields:
        raise SignatureProblem(Problem.OLD_VERSION)
    if not any(name in fields for name in _FIELDS):
        if (token := fields.get("x-amz-security-token")) is not None:
            raise SignatureProblem(Problem.TOKEN_ALONE, token=token)
        return None
    for name in _FIELDS:
        if not fields.get(name):
            raise SignatureProblem(Problem.FORM_INCOMPLETE, missing=name)
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise SignatureProblem(Problem.ALGORITHM, algorithm=fields["x-amz-algorithm"])
    amz_date = fields["x-amz-date"]
    return Signed(
        Scheme.FORM,
        parse_credential(fields["x-amz-credential"]),
        "",
        fields["x-amz-signature"],
        amz_date,
        parse_amz_date(amz_date),
        None,
        fields.get("x-amz-security-token"),
        Payload.UNSIGNED,
        Payload.UNSIGNED.value,
    )


def check_form(
    signed: Signed, policy: str, secret_key: str, *, now: datetime, service: str = "s3", region: str | None = None
) -> None:
    """Hold the signature against the form's `policy` as it came (in base64). Raises SignatureProblem.

    The policy's own end is checked with the policy; apart from it, a signature is good for a week.
    """
    check_scope(signed, service=service, region=region)
    credential = signed.credential
    key = signing_key(secret_key, credential.date, credential.region, credential.service)
    if not is_signature_of(signed.signature, key, policy):
        raise SignatureProblem(Problem.MISMATCH, string_to_sign=policy, provided=signed.signature)
    if signed.moment - now > SKEW:
        raise SignatureProblem(Problem.NOT_YET_VALID, date=signed.amz_date)
    if now - signed.moment > timedelta(seconds=LONGEST):
        raise SignatureProblem(Problem.POLICY_EXPIRED)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one field of the form."""

    operator: str
    """`eq` or `starts-with`."""
    field: str
    """As the policy spells it, without `$`."""
    value: str

    def holds(self, values: Mapping[str, str]) -> bool:
        """Tell whether the form's `values`, by lower-case name, fulfil it; a field that is absent is empty."""
        name = self.field.lower()
        actual = values.get(name, "")
        if self.operator == "eq":
            return actual == self.value
        if name == "content-type":
            return all(part.strip().startswith(self.value) for part in actual.split(","))
        return actual.startswith(self.value)

    def __str__(self) -> str:
        """Return the condition as AWS's refusal spells it."""
        return json.dumps([self.operator, f"${self.field}", self.value])


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """What a form may upload, and until when."""

    expiration: datetime
    conditions: tuple[Condition, ...]
    shortest: int = 0
    longest: int = _MAX_LENGTH
    """The file's length in bytes; enforced by who reads the file."""

    def check(self, fields: Mapping[str, str], *, bucket: str, now: datetime) -> None:
        """Raise SignatureProblem unless the form fulfils every condition, and has no field without one.

        `fields` are by lower-case name, `${filename}` expanded. `bucket` is the one that the request addresses:
        a field of that name says nothing.
        """
        if now >= self.expiration:
            raise SignatureProblem(Problem.POLICY_EXPIRED)
        values = {**fields, "bucket": bucket}
        for condition in self.conditions:
            if not condition.holds(values):
                raise SignatureProblem(Problem.POLICY_FAILED, condition=str(condition))
        covered = {condition.field.lower() for condition in self.conditions}
        for name in fields:
            if name not in covered and name not in _NOT_COVERED and not name.startswith("x-ignore-"):
                raise SignatureProblem(Problem.POLICY_EXTRA, field=name)


def parse_policy(text: str) -> PostPolicy:
    """Return the policy that `text`, in base64, holds. Raises SignatureProblem POLICY_UNREADABLE."""
    try:
        document = json.loads(base64.b64decode("".join(text.split()), validate=True), object_pairs_hook=_unique)
    except (binascii.Error, ValueError, RecursionError):
        raise _unreadable("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _unreadable("Invalid JSON.")
    if unknown := document.keys() - {"expiration", "conditions"}:
        raise _unreadable(f"Unexpected: '{min(unknown)}'")
    if "expiration" not in document:
        raise _unreadable("Policy missing expiration.")
    if not isinstance(document.get("conditions"), list):
        raise _unreadable("Policy missing conditions.")
    conditions: list[Condition] = []
    shortest, longest = 0, _MAX_LENGTH
    for item in document["conditions"]:
        if isinstance(item, list) and len(item) == 3 and _word(item[0]) == "content-length-range":
            low, high = _length(item[1]), _length(item[2])
            shortest, longest = max(shortest, low), min(longest, high)
        else:
            conditions.append(_condition(item))
    return PostPolicy(_expiration(document["expiration"]), tuple(conditions), shortest, longest)


def _condition(item: object) -> Condition:
    if isinstance(item, dict):
        if len(item) != 1:
            raise _unreadable("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        [(name, value)] = item.items()
        if not isinstance(value, str):
            raise _unreadable("Invalid Simple-Condition: value must be a string.")
        return Condition("eq", name, value)
    if not isinstance(item, list):
        raise _unreadable("Invalid Condition: a condition is an object or a list.")
    operator = _word(item[0]) if item else ""
    if operator == "content-length-range":
        raise _unreadable("Invalid content-length-range: wrong number of arguments.")
    if operator not in {"eq", "starts-with"}:
        raise _unreadable("Invalid Condition: unknown operation.")
    if len(item) != 3 or not all(isinstance(part, str) for part in item):
        raise _unreadable(f"Invalid {operator}: wrong number of arguments.")
    field, value = item[1], item[2]
    if not field.startswith("$"):
        raise _unreadable(f"Invalid {operator}: the field must begin with '$'.")
    return Condition(operator, field[1:], value)


def _word(item: object) -> str:
    return item.lower() if isinstance(item, str) else ""


def _length(item: object) -> int:
    if isinstance(item, str) and re.fullmatch(r"[0-9]{1,18}", item, re.ASCII):
        return int(item)
    if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= _MAX_LENGTH:
        return item
    raise _unreadable("Invalid content-length-range: a length is a number from 0.")


def _expiration(item: object) -> datetime:
    match = _EXPIRATION.fullmatch(item) if isinstance(item, str) else None
    if match is not None:
        try:
            year, month, day, hour, minute, second = map(int, match.groups()[:6])
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            pass
    raise _unreadable(f"Invalid 'expiration' value: '{item}'")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _unreadable(message: str) -> SignatureProblem:
    return SignatureProblem(Problem.POLICY_UNREADABLE, message=f"Invalid Policy: {message}")
