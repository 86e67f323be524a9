"""Policies that a simulation leaves out, to see what would change without them.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rolecall.identifiers import parse_arn
from rolecall.policy.decide import Attached, Policies
from rolecall.policy.glob import glob
from rolecall.policy.template import wild_tokens
from rolecall.services.iam.refusals import invalid_input
from rolecall.services.iam.simulation_parameters import Exclusion, InlinePolicy

_Test = Callable[[Attached], bool]

_AWS = "arn:aws:iam::aws:policy/"


def without(exclusions: Sequence[Exclusion], policies: Policies) -> Policies:
    """Return policies without those that are excluded. Raises InvalidInput for what names no policy."""
    tests = [_test(exclusion) for exclusion in exclusions]
    types = {exclusion.policy_type for exclusion in exclusions}
    return replace(
        policies,
        identity=tuple(one for one in policies.identity if not any(test(one) for test in tests)),
        boundary=None if "permission-boundary" in types else policies.boundary,
        scps=() if "scp" in types else policies.scps,
    )


def _test(exclusion: Exclusion) -> _Test:
    if exclusion.policy_arn is not None:
        return _by_arn(exclusion.policy_arn)
    if exclusion.inline_policy_identifier is not None:
        return _inline(exclusion.inline_policy_identifier)
    match exclusion.policy_type:
        case "inline":
            return lambda attached: attached.arn is None
        case "aws-managed":
            return lambda attached: attached.arn is not None and attached.arn.startswith(_AWS)
        case "user-managed":
            return lambda attached: attached.arn is not None and not attached.arn.startswith(_AWS)
        case None:
            raise invalid_input("A policy identifier names no policy.")
    return lambda _: False


def _by_arn(arn: str) -> _Test:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or parsed.resource_type != "policy":
        raise invalid_input(f"ARN {arn} is not valid.")
    if "*" in arn[: arn.index(":policy/")] or "?" in arn[: arn.index(":policy/")] or arn.count("*") > 1:
        raise invalid_input(f"ARN {arn} is not valid.")
    fits = glob(wild_tokens(arn))
    return lambda attached: attached.arn is not None and fits(attached.arn)


def _inline(identifier: InlinePolicy) -> _Test:
    if identifier.attachment_name.count("*") > 1:
        raise invalid_input(f"{identifier.attachment_name} is not valid as an attachment name.")
    fits = glob(wild_tokens(f"{identifier.attachment_type}/{identifier.attachment_name}"))
    return lambda attached: (
        attached.arn is None
        and attached.name == identifier.policy_name
        and bool(attached.path)
        and fits(attached.path[-1])
    )
