"""What a reader of the trail may see of the policies that a record explains: what it may read in IAM and S3 too.

`cloudtrail:LookupEvents` shows who asked what, the outcome, the layer that refused and the names of its policies. What
stands in a policy is shown to those who may read that policy: `iam:GetPolicyVersion` of a managed one (AWS's own are
known to everybody), `iam:GetUserPolicy`, `iam:GetGroupPolicy`, `iam:GetRolePolicy` of an inline one, `iam:GetRole` of
the role for a trust policy, `s3:GetBucketPolicy`, `organizations:DescribePolicy`. A session policy is part of the
request that made the session.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Check, Guard
from rolecall.directory.principals import group_named, role_named, user_named
from rolecall.identifiers import parse_arn
from rolecall.policy.decide import Layer
from rolecall.store.interface import Snapshot

_OF_AWS = "arn:aws:iam::aws:policy/"
_MARK = '"explanation":'
_NAMED = {
    "user": (user_named, "GetUserPolicy"),
    "group": (group_named, "GetGroupPolicy"),
    "role": (role_named, "GetRolePolicy"),
}
_RESOURCE_SIDE = {Layer.TRUST.value, Layer.RESOURCE.value}
_ORGANIZATION = {Layer.SCP.value, Layer.RCP.value}
_OF_RESOURCE = ("aws:resourcetag/", "iam:resourcetag/", "s3:existingobjecttag/")

Entry = dict[str, object]


class Disclosure:
    """One reader of records."""

    def __init__(self, allowed: Allowed, view: Snapshot) -> None:
        """Ask for the rights of the caller of a request, each once."""
        self._allowed = allowed
        self._view = view
        self._account = allowed.caller.account
        self._known: dict[tuple[str, str], bool] = {}

    def of(self, record: str) -> str:
        """Return a record without the contents of policies that the reader may not read."""
        if _MARK not in record:
            return record
        told = msgspec.json.decode(record)
        kept = [self._explained(entry) for entry in _decisions(told)]
        return record if all(kept) else msgspec.json.encode(told).decode()

    def _explained(self, entry: Entry) -> bool:
        """Take out of an entry what may not be read; return whether nothing was."""
        whole = True
        for layer in _entries(entry, "explanation"):
            for policy in _entries(layer, "policies"):
                check = self._right(str(layer.get("layer")), policy, entry)
                if check is None or self._may(check):
                    continue
                whole = False
                policy.pop("statements", None)
                policy["withheld"] = check.action
                keys = entry.get("conditionKeys")
                if layer.get("layer") in _RESOURCE_SIDE and isinstance(keys, dict):
                    entry["conditionKeys"] = {key: keys[key] for key in keys if not key.startswith(_OF_RESOURCE)}
        return whole

    def _may(self, check: Check) -> bool:
        key = (check.action, check.resource)
        if key not in self._known:
            self._known[key] = self._allowed.permits(self._view, check)
        return self._known[key]

    def _right(self, layer: str, policy: Entry, entry: Entry) -> Check | None:
        """Return the right that reading a policy needs, None where it needs none."""
        if layer == Layer.SESSION.value:
            return None
        if layer in _ORGANIZATION:
            return Check("organizations:DescribePolicy")
        resource, account = str(entry.get("resource")), str(entry.get("resourceAccount") or self._account)
        if layer == Layer.TRUST.value:
            return Check("iam:GetRole", resource, account)
        if layer == Layer.RESOURCE.value:
            return _bucket_policy(resource, account)
        arn = policy.get("policyArn")
        if isinstance(arn, str):
            return None if arn.startswith(_OF_AWS) else Check("iam:GetPolicyVersion", arn)
        return self._inline(policy)

    def _inline(self, policy: Entry) -> Check:
        path = policy.get("attachedTo")
        kind, _, name = str(path[-1] if isinstance(path, list) and path else "").partition("/")
        find, action = _NAMED.get(kind, _NAMED["user"])
        found = find(self._view, self._account, name)
        return Check(f"iam:{action}", found.arn if found is not None else "*")


def _bucket_policy(resource: str, account: str) -> Check:
    arn = parse_arn(resource)
    name = arn.resource_type if arn is not None else ""
    return Check("s3:GetBucketPolicy", f"arn:aws:s3:::{name}", account, guard=Guard.BUCKET, guarded_by=name)


def _decisions(record: object) -> Iterator[Entry]:
    additional = record.get("additionalEventData") if isinstance(record, dict) else None
    if isinstance(additional, dict):
        yield from _entries(additional, "decision")


def _entries(value: Entry, name: str) -> list[Entry]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
