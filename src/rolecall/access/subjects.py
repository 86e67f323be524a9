"""What an event is about: the resources that were checked and those that were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
}


def subjects(decisions: Iterable[Decided], result: Mapping[str, object] | None, account: str) -> list[Subject]:
    """Return the resources that were checked, which are `account`'s where no other owns them, and those made."""
    found: dict[str, Subject] = {}
    for decided in decisions:
        check = decided.check
        kind = _type_of(check.resource)
        if kind is not None:
            name = brief(check.resource, _LONGEST)
            found.setdefault(name, {"type": kind, "ARN": name, "accountId": check.account or account})
    if result is not None:
        for member, within, kind in _MADE:
            inner = result.get(member)
            made = inner.get(within) if inner is not None and isinstance(inner, Mapping) else None
            if isinstance(made, str):
                found.setdefault(made, {"type": kind, "ARN": made})
    return list(found.values())


def _type_of(resource: str) -> str | None:
    if resource.startswith(_S3) and "*" not in resource:
        return OBJECT if "/" in resource else "AWS::S3::Bucket"
    arn = parse_arn(resource)
    if arn is None or "*" in arn.resource:
        return None
    if arn.service == "s3":
        return OBJECT if "/" in arn.resource else "AWS::S3::Bucket"
    return _TYPES.get(arn.resource_type) if arn.service in {"iam", "sts"} else None


def findable(resources: Sequence[Subject]) -> tuple[Resource, ...]:
    """Return what an event can be found by: ARN and name of each resource, and for objects their bucket."""
    found: list[Resource] = []
    for resource in resources:
        kind, name = resource["type"], resource["ARN"]
        if kind == OBJECT:
            found.append(Resource("AWS::S3::Bucket", name.split(":", 5)[5].partition("/")[0]))
            continue
        if name.startswith("arn:"):
            found.append(Resource(kind, name.split(":", 5)[5].rpartition("/")[2]))
        found.append(Resource(kind, name))
    return tuple(found)
