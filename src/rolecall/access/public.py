"""Whether a bucket policy makes its bucket public, by S3's own measure.

Rules: "The meaning of public" in
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

A policy is public unless every Allow that serves everybody is held to fixed values: of who calls, from which source or
network, or with which key. A value with a wildcard or a variable in it is not fixed.
"""

from __future__ import annotations

import ipaddress

from rolecall.identifiers import parse_arn
from rolecall.policy.document import Condition, Document, Effect, Statement

_FIXING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_EQUALITY = frozenset({"stringequals", "stringequalsignorecase"})
_PATTERN = frozenset({"stringlike", "arnequals", "arnlike"})
_ANONYMOUS = "anonymous"
"""What aws:userid and aws:PrincipalAccount hold for everybody who does not sign: a fixed value, yet no one's."""
_WIDEST_V4, _WIDEST_V6 = 8, 32
_PRIVATE = tuple(ipaddress.IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def is_public(document: Document) -> bool:
    """Tell whether a bucket policy grants anything to the public."""
    return any(serves_the_public(statement) for statement in document.statements)


def serves_the_public(statement: Statement) -> bool:
    """Tell whether a statement by itself grants something to the public."""
    if statement.effect is not Effect.ALLOW:
        return False
    principal = statement.principal
    serves_all = principal is not None and (
        principal.negated or any(value.type == "AWS" and value.value == "*" for value in principal.values)
    )
    return serves_all and not any(_fixes(condition) for condition in statement.conditions)


def _fixes(condition: Condition) -> bool:
    """Tell whether a condition holds its statement to fixed values. One that an absent key passes does not."""
    operator = condition.operator.lower()
    if operator.endswith("ifexists") or operator.startswith("forallvalues:"):
        return False
    operator = operator.removeprefix("foranyvalue:")
    key = condition.key.lower()
    if not condition.values or any("${" in value for value in condition.values):
        return False
    if key == "aws:sourceip":
        return operator == "ipaddress" and all(_is_narrow(value) for value in condition.values)
    if operator not in _EQUALITY and operator not in _PATTERN:
        return False
    if key == "s3:dataaccesspointarn":
        return all(_has_fixed_account(value) for value in condition.values)
    if key not in _FIXING or any(value.lower() == _ANONYMOUS for value in condition.values):
        return False
    return operator in _EQUALITY or not any(_has_wildcard(value) for value in condition.values)


def _has_wildcard(value: str) -> bool:
    return "*" in value or "?" in value


def _has_fixed_account(value: str) -> bool:
    arn = parse_arn(value)
    return arn is not None and bool(arn.account) and not _has_wildcard(arn.account)


def _is_narrow(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen >= _WIDEST_V4 or any(network.subnet_of(private) for private in _PRIVATE)
    return network.prefixlen >= _WIDEST_V6
