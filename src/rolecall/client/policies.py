"""IAM and S3, asked for policies and for what they would make of a request, here or on AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from rolecall.client.record import objects, text
from rolecall.client.sending import Refused, Unreachable, send
from rolecall.client.settings import Connection

Answer = dict[str, object]

_VERSION = "2010-05-08"
_MOST_RESOURCES = 100


@dataclass(frozen=True, slots=True)
class Simulated:
    """What policies make of one action on one resource."""

    action: str
    resource: str
    decision: str
    """`allowed`, `implicitDeny` or `explicitDeny`."""
    by: Sequence[str]
    """The policies whose statements decided, by AWS's names for them."""
    missing: Sequence[str]
    """Condition keys that the policies look at and nobody gave."""
    limits: Sequence[str]
    """What else refuses: `permissions boundary`, `service control policy`."""
    fact: str = ""
    """Why no policy has a say, where that is so."""

    @property
    def allowed(self) -> bool:
        """Whether the request would be allowed."""
        return self.decision == "allowed"

    @property
    def reason(self) -> str:
        """What an answer is by, in words: the policies, or the fact that leaves them no say."""
        return self.fact or ", ".join(self.by)


def simulate(
    at: Connection,
    source: str,
    action: str,
    resources: Sequence[str],
    context: Mapping[str, Sequence[str]],
    resource_policy: str | None = None,
    owner: str = "",
) -> list[Simulated]:
    """Return what the policies of a user, group or role make of an action on resources. Raises Refused, Unreachable.

    `owner` is the account of resources whose ARN names none, where it is not the caller's.
    """
    found: list[Simulated] = []
    for begin in range(0, len(resources), _MOST_RESOURCES):
        asked: dict[str, object] = {
            "PolicySourceArn": source,
            "ActionNames": [action],
            "ResourceArns": list(resources[begin : begin + _MOST_RESOURCES]),
            "ContextEntries": [_entry(key, values) for key, values in context.items()],
            "MaxItems": "1000",
        }
        if resource_policy is not None:
            asked["ResourcePolicy"] = resource_policy
        if owner:
            asked["ResourceOwner"] = f"arn:aws:iam::{owner}:root"
        for answer in _pages(at, "SimulatePrincipalPolicy", asked):
            found += [_simulated(one) for one in objects(answer, "EvaluationResults")]
    return found


def _entry(key: str, values: Sequence[str]) -> Answer:
    kind = "string" if len(values) == 1 else "stringList"
    return {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": kind}


def _simulated(result: Answer) -> Simulated:
    limits = [
        name
        for name, member, detail in (
            ("permissions boundary", "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
            ("service control policy", "OrganizationsDecisionDetail", "AllowedByOrganizations"),
        )
        if text(result, member, detail) == "false"
    ]
    missing = result.get("MissingContextValues")
    return Simulated(
        text(result, "EvalActionName"),
        text(result, "EvalResourceName"),
        text(result, "EvalDecision"),
        list(dict.fromkeys(text(one, "SourcePolicyId") for one in objects(result, "MatchedStatements"))),
        [str(key) for key in missing] if isinstance(missing, list) else [],
        limits,
    )


def details(at: Connection, *kinds: str) -> Iterator[Answer]:
    """Yield what GetAccountAuthorizationDetails tells of kinds (`User`, `Role`). Raises Refused, Unreachable."""
    for answer in _pages(at, "GetAccountAuthorizationDetails", {"Filter": list(kinds), "MaxItems": "1000"}):
        yield from objects(answer, "UserDetailList")
        yield from objects(answer, "RoleDetailList")


def bucket_policy(at: Connection, bucket: str) -> str | None:
    """Return the text of a bucket's policy, None where it has none or the asker may not read it. Raises Unreachable."""
    digest = hashlib.sha256(b"").hexdigest()
    headers = {"x-amz-content-sha256": digest}
    try:
        return send(at, "s3", headers, method="GET", path=f"/{quote(bucket, safe='')}", query="policy=").decode()
    except Refused:
        return None


def arn_of(at: Connection, kind: str, name: str) -> str:
    """Return the ARN of the `user` or `role` of a name. Raises Refused, Unreachable."""
    title = kind.capitalize()
    return text(_ask(at, f"Get{title}", {f"{title}Name": name}), title, "Arn")


def _pages(at: Connection, action: str, parameters: Mapping[str, object]) -> Iterator[Answer]:
    asked = dict(parameters)
    while True:
        answer = _ask(at, action, asked)
        yield answer
        marker = text(answer, "Marker")
        if text(answer, "IsTruncated") != "true" or not marker:
            return
        asked["Marker"] = marker


def _ask(at: Connection, action: str, parameters: Mapping[str, object]) -> Answer:
    form = urlencode([("Action", action), ("Version", _VERSION), *_flattened("", parameters)])
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    try:
        root = ET.fromstring(send(at, "iam", headers, form.encode()))  # noqa: S314 - from the server that is trusted
    except ET.ParseError:
        raise Unreachable(f"{at.of('iam')} does not answer as IAM does.") from None
    for element in root:
        if element.tag.endswith("Result"):
            found = _value(element)
            return found if isinstance(found, dict) else {}
    return {}


def _flattened(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the parameters of the query protocol: lists as `Name.member.1`."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _flattened(f"{prefix}.{name}" if prefix else str(name), member)
    elif isinstance(value, list):
        for number, member in enumerate(value, start=1):
            yield from _flattened(f"{prefix}.member.{number}", member)
    else:
        yield prefix, str(value)


def _value(element: ET.Element) -> object:
    """Return an element of an answer: text, a list of members, or an object."""
    children = list(element)
    if not children:
        return element.text or ""
    names = [child.tag.rpartition("}")[2] for child in children]
    if set(names) == {"member"}:
        return [_value(child) for child in children]
    return {name: _value(child) for name, child in zip(names, children, strict=True)}
