"""Values of conditions: their JSON types, whether the operator can read them, and whether they can ever match."""

from __future__ import annotations

import ipaddress
import re

from rolecall.analysis.findings import Report
from rolecall.analysis.located import Kind, Node
from rolecall.analysis.validation.principals import EXPECTED, SERVICE_PRINCIPAL
from rolecall.analysis.validation.regions import REGIONS
from rolecall.analysis.validation.statement import Line, Statement
from rolecall.policy.condition import bytes_of, is_operator, number_of
from rolecall.policy.moment import seconds_of

_SIMPLE = frozenset({Kind.STRING, Kind.NUMBER, Kind.BOOLEAN})
_VPC = re.compile(r"vpc-(?:[0-9a-z]{8}|[0-9a-z]{17})", re.ASCII)
_ENDPOINT = re.compile(r"vpce-(?:[0-9a-z]{8}|[0-9a-z]{17})", re.ASCII)
_VIA_SERVICE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", re.ASCII)
_KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?]+", re.ASCII)
_EPOCH = re.compile(r"[0-9]{9,}", re.ASCII)
_SENSITIVE = frozenset(
    {
        "aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "aws:sourceaccount",
        "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sensitive"""
_EQUALITY = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")
_NAMES_A_SERVICE = ("iam:passedtoservice", "aws:principalservicename", "iam:awsservicename", "sts:awsservicename")


def review_values(statement: Statement, report: Report) -> None:
    """Look at the values of each line."""
    for line in statement.lines():
        if not is_operator(line.operator.name):
            continue
        if line.key.value.kind is Kind.ARRAY and not line.values:
            _empty(line, report)
            continue
        if _has_simple_values(line, report):
            _readable(line, report)
            _known(line, report)
            _addresses(line, report)
            _wildcards(line, statement, report)


def _empty(line: Line, report: Report) -> None:
    """Say what a list without values comes to."""
    code = "EMPTY_ARRAY_CONDITION"
    if line.qualifier:
        code = f"{code}_{line.qualifier.upper()}"
    elif line.if_exists:
        code = f"{code}_IFEXISTS"
    report.add(code, line.key.value, key=line.key.name)


def _has_simple_values(line: Line, report: Report) -> bool:
    wrong = [node for node in line.values if node.kind not in _SIMPLE]
    for node in wrong:
        report.add("DATA_TYPE_MISMATCH", node, data_type=Kind.STRING.value)
    if not wrong and len({node.kind for node in line.values}) > 1:
        report.add("INVALID_CONDITION_DATA_TYPE", line.key.value)
    return not wrong


def _readable(line: Line, report: Report) -> None:
    """Look for values that the operator cannot read, and for numbers of which one decides."""
    base, operator = line.base, line.operator.name
    fixed = [node for node in line.values if "${" not in node.text]
    if base == "bool" and len(line.values) > 1:
        report.add("INVALID_CONDITION_MULTIPLE_BOOLEAN", line.key.value)
    if base.startswith("numeric"):
        _numbers(line, fixed, report)
    if base.startswith("date"):
        _dates(fixed, report)
    for node in fixed:
        if base in {"bool", "null"} and node.text.lower() not in {"true", "false"}:
            report.add("TYPE_MISMATCH_BOOLEAN", node, operator=operator)
        if base == "binaryequals" and bytes_of(node.text) is None:
            report.add("TYPE_MISMATCH_STRING", node, operator=operator)


def _dates(fixed: list[Node], report: Report) -> None:
    for node in fixed:
        if _EPOCH.fullmatch(node.text):
            report.add("INVALID_DATE_VALUE", node, date=node.text)
        elif seconds_of(node.text) is None:
            report.add("TYPE_MISMATCH_DATE", node)


def _numbers(line: Line, fixed: list[Node], report: Report) -> None:
    numbers = [number for node in fixed if (number := number_of(node.text)) is not None]
    for node in fixed:
        if number_of(node.text) is None:
            report.add("TYPE_MISMATCH_NUMBER", node, operator=line.operator.name)
    which = {"numericless": "greatest", "numericgrea": "least"}.get(line.base[:11])
    if which and len(numbers) > 1:
        values = {"operator": line.operator.name, "greatest/least": which, "key": line.key.name}
        report.add("REDUNDANT_CONDITION_VALUE_NUM", line.key.value, **values)


def _known(line: Line, report: Report) -> None:
    """Look for values of keys whose values AWS knows the form of."""
    compared = line.base.startswith("string")
    for node in line.values:
        text = node.text
        if "*" in text or "?" in text or "${" in text or not compared:
            continue
        if line.name == "aws:requestedregion" and text not in REGIONS:
            report.add("INVALID_REGION", node, region=text)
        elif line.name == "aws:sourcevpc" and not _VPC.fullmatch(text):
            report.add("INVALID_VPC_FORMAT", node)
        elif line.name == "aws:sourcevpce" and not _ENDPOINT.fullmatch(text):
            report.add("INVALID_VPCE_FORMAT", node)
        elif line.name == "kms:viaservice" and not _VIA_SERVICE.fullmatch(text):
            report.add("INVALID_SERVICE_PRINCIPAL_FORMAT", node, expectedFormat="service-name.AWS_region.amazonaws.com")
        elif line.name in _NAMES_A_SERVICE and not SERVICE_PRINCIPAL.fullmatch(text):
            report.add("INVALID_SERVICE_PRINCIPAL_FORMAT", node, expectedFormat=EXPECTED)
    if line.name == "s3:x-amz-server-side-encryption-aws-kms-key-id" and line.base in _EQUALITY:
        for node in line.values:
            if not _KMS_KEY.fullmatch(node.text) and "${" not in node.text:
                report.add("INVALID_KMS_KEY_VALUE", node, key=line.key.name)


def _addresses(line: Line, report: Report) -> None:
    if not line.base.endswith("ipaddress"):
        return
    private: list[Node] = []
    for node in line.values:
        if "${" in node.text:
            continue
        try:
            block = ipaddress.ip_network(node.text, strict=False)
        except ValueError:
            report.add("TYPE_MISMATCH_IP_RANGE", node, operator=line.operator.name)
            continue
        if "/" in node.text and ipaddress.ip_address(node.text.partition("/")[0]) != block.network_address:
            report.add("IMPROVE_IP_RANGE", node, addr=str(block))
        if _is_private(block):
            private.append(node)
    if line.name == "aws:sourceip" and private:
        code = "PRIVATE_NOT_IP_ADDRESS" if line.is_negated else "PRIVATE_IP_ADDRESS"
        report.add(code if len(private) == len(line.values) else f"{code}_SUBSET", *private)


def _is_private(block: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    if isinstance(block, ipaddress.IPv6Network):
        return block.subnet_of(ipaddress.IPv6Network("fc00::/7"))
    return any(block.subnet_of(ipaddress.IPv4Network(one)) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _wildcards(line: Line, statement: Statement, report: Report) -> None:
    """Look for wildcards where they mean nothing, and where they mean too much."""
    for node in line.values:
        wild = "*" in node.text or "?" in node.text
        variable = statement.has_variables and "${" in node.text
        if wild and line.base in _EQUALITY and not variable:
            report.add("WILDCARD_WITHOUT_LIKE_OPERATOR", node)
        if line.base != "stringlike" or line.if_exists:
            continue
        for found, code in ((wild, "WILDCARD_USAGE"), (variable, "VARIABLE_USAGE")):
            if found and line.name in _SENSITIVE:
                report.add(f"{code}_TOO_PERMISSIVE", node, key=line.key.name)
            elif found and line.name == "aws:userid" and _is_loose(node.text):
                report.add_second(f"{code}_TOO_PERMISSIVE", node)


def _is_loose(text: str) -> bool:
    """Tell whether a wildcard or variable stands before the colon of a user id, beside something else there."""
    left, colon, _ = text.partition(":") if not text.startswith("${") else ("", ":", "")
    return bool({"*", "?", "$"} & set(left)) and (not colon or len(left) > 1)
