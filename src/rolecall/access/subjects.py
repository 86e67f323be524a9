"""What an event is about: the resources that were checked and those that were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from rolecall.access.authorize import Decided
from rolecall.access.shown import brief
from rolecall.identifiers import parse_arn
from rolecall.trail import Resource

Subject = dict[str, str]
"""`type`, `ARN` and `accountId`, as a record lists them; what is no ARN stands there by its id."""

OBJECT = "AWS::S3::Object"

_MADE = (
    ("credentials", "access_key_id", "AWS::IAM::AccessKey"),
    ("access_key", "access_key_id", "AWS::IAM::AccessKey"),
    ("assumed_role_user", "arn", "AWS::STS::AssumedRole"),
)
_LONGEST = 2048
"""Of a resource's name: every ARN that there can be is shorter, but anybody may ask for a longer key."""

_LONGEST_KEPT = 512

_S3 = "arn:aws:s3:::"
_TYPES = {
    "user": "AWS::IAM::User",
    "role": "AWS::IAM::Role",
    "group": "AWS::IAM::Group",
    "policy": "AWS::IAM::Policy",
    "instance-profile": "AWS::IAM::InstanceProfile",
    "mfa": "AWS::IAM::MfaDevice",
    "server-certificate": "AWS::IAM::ServerCertificate",
    "saml-provider": "AWS::IAM::SAMLProvider",
    "oidc-provider": "AWS::IAM::OIDCProvider",
    "federated-user": "AWS::STS::FederatedUser",
    "assumed-role": "AWS::STS::AssumedRole",
    "trail": "AWS::CloudTrail::Trail",
}


class _Told(NamedTuple):
    """A resource as a record lists it, and what an event can be found by for it."""

    subject: Subject
    found: tuple[Resource, ...]


def subjects(
    decisions: Iterable[Decided], result: Mapping[str, object] | None, account: str
) -> tuple[list[Subject], tuple[Resource, ...]]:
    """Return the resources that were checked, which are `account`'s where no other owns them, and those made.

    With them comes what the event can be found by: ARN and name of each, and for objects their bucket.
    """
    listed: dict[str, Subject] = {}
    found: list[Resource] = []
    for decided in decisions:
        check = decided.check
        one = _checked(check.resource, check.account or account)
        if one is not None and one.subject["ARN"] not in listed:
            listed[one.subject["ARN"]] = one.subject
            found += one.found
    if result is not None:
        for member, within, kind in _MADE:
            inner = result.get(member)
            made = inner.get(within) if isinstance(inner, dict) else None
            if isinstance(made, str) and made not in listed:
                listed[made] = {"type": kind, "ARN": made}
                found += _findable(kind, made)
    return list(listed.values()), tuple(found)


def _checked(resource: str, owner: str) -> _Told | None:
    """Return what is told of a resource that was checked; of IAM's it is remembered, which come again and again."""
    comes_again = len(resource) <= _LONGEST_KEPT and not resource.startswith(_S3)
    return _known(resource, owner) if comes_again else _known.__wrapped__(resource, owner)


@lru_cache(maxsize=1024)
def _known(resource: str, owner: str) -> _Told | None:
    kind = _type_of(resource)
    if kind is None:
        return None
    name = brief(resource, _LONGEST)
    return _Told({"type": kind, "ARN": name, "accountId": owner}, _findable(kind, name))


def _type_of(resource: str) -> str | None:
    if resource.startswith(_S3) and "*" not in resource:
        return OBJECT if "/" in resource else "AWS::S3::Bucket"
    arn = parse_arn(resource)
    if arn is None or "*" in arn.resource:
        return None
    if arn.service == "s3":
        return OBJECT if "/" in arn.resource else "AWS::S3::Bucket"
    return _TYPES.get(arn.resource_type) if arn.service in {"iam", "sts", "cloudtrail"} else None


def _findable(kind: str, name: str) -> tuple[Resource, ...]:
    if not name.startswith("arn:"):
        return (Resource(kind, name),)
    within = name.split(":", 5)[5]
    if kind == OBJECT:
        return (Resource("AWS::S3::Bucket", within.partition("/")[0]),)
    return (Resource(kind, within.rpartition("/")[2]), Resource(kind, name))
