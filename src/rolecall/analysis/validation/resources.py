"""Resource and NotResource: the form of ARNs, held against the resource types that AWS's services have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rolecall.analysis.findings import Report
from rolecall.analysis.languages import Undecided, glob, meet, needless, resource_pattern
from rolecall.analysis.located import Node
from rolecall.analysis.validation.regions import REGIONS
from rolecall.analysis.validation.statement import Statement
from rolecall.analysis.validation.subject import BUCKET
from rolecall.catalog import actions as catalog
from rolecall.catalog.actions import ResourceType
from rolecall.policy.validate.resources import PARTITIONS

_VARIABLE = re.compile(r"\$\{[^}]*(?:\}|\Z)")
"""A variable; one that nobody closed reaches to the end, or every `${` would be sought to the end again."""
_ACCOUNT = re.compile(r"[0-9]{12}|aws|cloudfront", re.ASCII)
_FIELDS = 6
_MOST_COMPARED = 250
_OWNED_BY_AWS = frozenset({"resource-explorer-2", "ssm"})
"""Services that have resources of AWS itself, whose ARNs hold no account."""
_SUPPORTED = {
    BUCKET: ("s3",),
    "AWS::S3::AccessPoint": ("s3",),
    "AWS::S3::MultiRegionAccessPoint": ("s3",),
    "AWS::S3ObjectLambda::AccessPoint": ("s3-object-lambda",),
    "AWS::DynamoDB::Table": ("dynamodb",),
}


def review_resources(statement: Statement, report: Report) -> None:
    """Look at each resource, and at all of them together."""
    nodes = statement.strings("Resource", "NotResource")
    for node in nodes:
        if node.text != "*":
            _form(node, statement, report)
    if statement.node.get("Resource") is not None:
        _redundant(nodes, report)


def _form(node: Node, statement: Statement, report: Report) -> None:
    """Look at an ARN field by field; where one is missing nothing more is said."""
    text = _VARIABLE.sub("*", node.text) if statement.has_variables else node.text
    fields = text.split(":", _FIELDS - 1)
    if fields[0] != "arn":
        if not text.startswith("*"):
            report.add("INVALID_ARN_PREFIX", node)
        return
    if len(fields) < _FIELDS:
        report.add("MISSING_ARN_FIELD", node, fields=_FIELDS)
        return
    _, partition, service, region, account, name = fields
    if not _is_wild(partition) and partition not in PARTITIONS:
        known = ", ".join(sorted(PARTITIONS - {"*"}))
        report.add("INVALID_PARTITION", node, service=service, partition=partition, partitions=f"[{known}]")
    if service != service.lower():
        report.add("INVALID_ARN_SERVICE_CASE", node, service=service)
        return
    if account and not _is_wild(account) and not _ACCOUNT.fullmatch(account):
        report.add("INVALID_ARN_ACCOUNT", node, account=account)
    if region and not _is_wild(region) and region not in REGIONS:
        report.add("INVALID_ARN_REGION", node, region=region)
    if not _is_wild(service):
        _of_service(node, (service, region, account, name), report)
        supported = _SUPPORTED.get(statement.subject.resource_type or "")
        if supported is not None and service not in supported:
            resource_type = statement.subject.resource_type
            report.add("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", node, resourceType=resource_type)


def _of_service(node: Node, fields: tuple[str, str, str, str], report: Report) -> None:
    """Hold region, account and name against the service's resource types."""
    service, region, account, name = fields
    kinds = _kinds(service)
    if not kinds:
        if service not in catalog.services():
            report.add("INVALID_SERVICE", node, service=service)
        return
    report.effort.spend(len(kinds) * 3)
    fitting = [kind for kind in kinds if _fits(kind, name, report)]
    if not fitting:
        report.add("INVALID_ARN_RESOURCE", node)
        return
    parts = [kind.arn.split(":", _FIELDS - 1) for kind in fitting]
    regional = {bool(part[3]) for part in parts}
    owned = {bool(part[4]) for part in parts}
    if region and region != "*" and regional == {False}:
        report.add("ARN_REGION_NOT_ALLOWED", node, service=service)
    if not region and regional == {True}:
        report.add("MISSING_ARN_REGION", node, service=service)
    if account and account != "*" and owned == {False}:
        report.add("ARN_ACCOUNT_NOT_ALLOWED", node, service=service)
    if not account and owned == {True} and service not in _OWNED_BY_AWS:
        report.add("MISSING_ARN_ACCOUNT", node, resourceName=fitting[0].name)


def _fits(kind: ResourceType, name: str, report: Report) -> bool:
    try:
        return meet(glob(kind.pattern.split(":", _FIELDS - 1)[5]), glob(name), report.work)
    except Undecided:
        return True


@lru_cache(maxsize=256)
def _kinds(service: str) -> tuple[ResourceType, ...]:
    """Return the resource types whose ARNs name a service; few services' ARNs bear another name than their actions."""
    own = _types_of(service)
    if own or service in catalog.services():
        return own
    return _all_types().get(service, ())


@lru_cache(maxsize=1)
def _all_types() -> Mapping[str, tuple[ResourceType, ...]]:
    """Return all resource types by the service that their ARNs name."""
    found: dict[str, list[ResourceType]] = {}
    for prefix in catalog.services():
        for kind in _all_types_of(prefix):
            found.setdefault(kind.arn.split(":")[2], []).append(kind)
    return {service: tuple(kinds) for service, kinds in found.items()}


def _types_of(service: str) -> tuple[ResourceType, ...]:
    return tuple(kind for kind in _all_types_of(service) if _names(kind, service))


@lru_cache(maxsize=512)
def _all_types_of(prefix: str) -> tuple[ResourceType, ...]:
    found = {kind.arn: kind for action in catalog.actions_of(prefix) for kind in action.resource_types}
    return tuple(kind for kind in found.values() if kind.arn.count(":") >= _FIELDS - 1)


def _names(kind: ResourceType, service: str) -> bool:
    return kind.arn.split(":")[2] == service


def _is_wild(part: str) -> bool:
    return "*" in part or "?" in part


def _redundant(nodes: list[Node], report: Report) -> None:
    if len(nodes) > _MOST_COMPARED:
        return
    report.effort.spend(len(nodes) * len(nodes) // 32)
    found = [nodes[place] for place in needless([resource_pattern(node.text) for node in nodes], report.work)]
    if found:
        report.add("REDUNDANT_RESOURCE", *found, redundantResourceCount=len(found))
