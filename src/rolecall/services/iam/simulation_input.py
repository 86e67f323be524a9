"""What a simulation is given, as the decision takes it. What cannot be simulated is refused with InvalidInput."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rolecall.identifiers import ACCOUNT_ID, Arn, parse_arn
from rolecall.message import ServiceError
from rolecall.policy.compile import compile_policy
from rolecall.policy.condition import bytes_of, network_of, number_of
from rolecall.policy.decide import Attached
from rolecall.policy.document import Document
from rolecall.policy.moment import seconds_of
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.request import ContextValue
from rolecall.policy.validate import Malformed, PolicyKind, validate
from rolecall.services.iam.refusals import invalid_input
from rolecall.services.iam.simulation_parameters import ContextEntry, OrganizationLevel

SYNTAX = "Syntax errors in policy."

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+", re.ASCII)
_OWNER = re.compile(r"arn:aws:iam::([0-9]{12}):root", re.ASCII)
_BOOLEANS = ("true", "false")
_SCENARIOS = {
    "EC2-Classic-InstanceStore": ("instance", "image", "security-group"),
    "EC2-Classic-EBS": ("instance", "image", "security-group", "volume"),
    "EC2-VPC-InstanceStore": ("instance", "image", "security-group", "network-interface"),
    "EC2-VPC-InstanceStore-Subnet": ("instance", "image", "security-group", "network-interface", "subnet"),
    "EC2-VPC-EBS": ("instance", "image", "security-group", "network-interface", "volume"),
    "EC2-VPC-EBS-Subnet": ("instance", "image", "security-group", "network-interface", "subnet", "volume"),
}


def documents(texts: Sequence[str]) -> list[Document]:
    """Return identity-based policies that a request carries. Raises InvalidInput with what is wrong with one."""
    return [_held(text, PolicyKind.IDENTITY) for text in texts]


def policy_inputs(texts: Sequence[str] | None, name: str = "PolicyInputList") -> tuple[Attached, ...]:
    """Return identity-based policies of a request, known by their place: `PolicyInputList.1`. Raises InvalidInput."""
    return tuple(
        _attached(document, f"{name}.{number}") for number, document in enumerate(documents(texts or ()), start=1)
    )


def boundary_input(texts: Sequence[str] | None) -> Attached | None:
    """Return the permissions boundary of a request, or None. Raises InvalidInput, for more than one too."""
    found = policy_inputs(texts, "PermissionsBoundaryPolicyInputList")
    if len(found) > 1:
        raise invalid_input("Only one permissions boundary policy can be provided.")
    return found[0] if found else None


def organization_levels(levels: Sequence[OrganizationLevel] | None) -> tuple[tuple[Attached, ...], ...]:
    """Return the service control policies of a request, a tuple a level. Raises InvalidInput."""
    found: list[tuple[Attached, ...]] = []
    for place, level in enumerate(levels or (), start=1):
        name = f"OrderedOrganizationPolicyInputList.{place}"
        texts = level.service_control_policy_input_list or ()
        held = (_held(text, PolicyKind.SCP) for text in texts)
        found.append(tuple(_attached(one, f"{name}.{number}") for number, one in enumerate(held, start=1)))
    return tuple(found)


def resource_policy(text: str) -> Attached:
    """Return the resource-based policy, or role trust policy, of a request. Raises InvalidInput."""
    try:
        document = parse(text)
    except PolicyUnreadable:
        raise invalid_input(SYNTAX) from None
    if any(statement.principal is None for statement in document.statements):
        raise invalid_input("Missing required field Principal")
    return _attached(document, "ResourcePolicy")


def _held(text: str, kind: PolicyKind) -> Document:
    try:
        return validate(text, kind)
    except Malformed as refusal:
        raise invalid_input(refusal.message) from None


def _attached(document: Document, name: str) -> Attached:
    return Attached(compile_policy(document), name, name=name)


def actions(names: Sequence[str], *, wildcards: bool) -> Sequence[str]:
    """Return the actions to be simulated. Raises InvalidInput for what is no action's name."""
    wrong = [name for name in names if not _ACTION.fullmatch(name) or (not wildcards and set(name) & {"*", "?"})]
    if wrong or not names:
        raise invalid_input(f"Invalid Input Actions: {', '.join(wrong)}")
    return names


def resources(arns: Sequence[str] | None, scenario: str | None) -> Sequence[str]:
    """Return the resources to be simulated, `*` where none is named. Raises InvalidInput for what is no ARN."""
    found = arns or ["*"]
    wrong = [arn for arn in found if arn != "*" and parse_arn(arn) is None]
    if wrong:
        raise invalid_input(f"ResourceNames are not in a valid ARN format: {', '.join(wrong)}.")
    if scenario is not None:
        _check_scenario(found, scenario)
    return found


def _check_scenario(arns: Sequence[str], scenario: str) -> None:
    """Raise InvalidInput unless the resources that a scenario of EC2 needs are all there."""
    needed = _SCENARIOS.get(scenario)
    if needed is None:
        raise invalid_input(f"{scenario} is not a valid resource handling option.")
    parsed = (parse_arn(arn) for arn in arns)
    types = {arn.resource_type for arn in parsed if arn is not None and arn.service == "ec2"}
    missing = [kind for kind in needed if kind not in types]
    if missing:
        raise invalid_input(f"The resource handling option {scenario} requires resources: {', '.join(missing)}.")


def owner(arn: str | None) -> str | None:
    """Return the account that ResourceOwner names. Raises InvalidInput in AWS's words."""
    if arn is None:
        return None
    found = _OWNER.fullmatch(arn)
    if found is None:
        raise invalid_input(f"'{arn}' is not a valid as a Resource Owner.")
    return found[1]


def entity(arn: str) -> Arn:
    """Return the ARN of a user, group or role, taken apart. Raises InvalidInput in AWS's words."""
    parsed = parse_arn(arn)
    if (
        parsed is None
        or parsed.service != "iam"
        or parsed.resource_type not in {"user", "group", "role"}
        or not ACCOUNT_ID.fullmatch(parsed.account)
        or not parsed.resource_name
        or "/" not in parsed.resource
    ):
        raise invalid_input(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    return parsed


def context(entries: Sequence[ContextEntry] | None) -> dict[str, ContextValue]:
    """Return the condition keys of a request, in lower case. Raises InvalidInput for values not of their type."""
    found: dict[str, ContextValue] = {}
    for entry in entries or ():
        name = entry.context_key_name
        if name is None:
            raise invalid_input("A context entry has no ContextKeyName.")
        if name.lower() in found:
            raise invalid_input(f"Duplicate context key: {name}")
        found[name.lower()] = _value(name, entry.context_key_values or [], entry.context_key_type)
    return found


def _value(name: str, values: list[str], spelled: str | None) -> ContextValue:
    kind = spelled or ("string" if len(values) == 1 else "stringList")
    listed = kind.endswith("List")
    if not listed and len(values) != 1:
        raise invalid_input(f"The context key {name} of type {kind} must have exactly one value.")
    for value in values:
        if not _is_of(kind.removesuffix("List"), value):
            raise invalid_input(f"The value '{value}' of the context key {name} is not of type {kind}.")
    return tuple(values) if listed else values[0]


def _is_of(kind: str, value: str) -> bool:
    match kind:
        case "numeric":
            return number_of(value) is not None
        case "boolean":
            return value.lower() in _BOOLEANS
        case "ip":
            return network_of(value) is not None
        case "binary":
            return bytes_of(value) is not None
        case "date":
            return seconds_of(value) is not None
    return True


def refuse_other_account(parsed: Arn, account: str) -> None:
    """Raise InvalidInput, in AWS's words, where the policies of another account are asked about."""
    if parsed.account != account:
        raise ServiceError(
            "InvalidInput",
            f"Invalid Policy Source Arn: caller's account {account} does not have access to policies in account"
            f" {parsed.account}",
        )
