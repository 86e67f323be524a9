"""How AWS words a refusal: which layer denied, in which form, for whose eyes.

Texts: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.access.caller import Caller
from rolecall.access.check import Check, Denial
from rolecall.message import ServiceError
from rolecall.policy.decide import Decision, Layer, Outcome

_NAMES = {
    Layer.SCP: ("no service control policy", "a service control policy"),
    Layer.RCP: ("no resource control policy", "a resource control policy"),
    Layer.ENDPOINT: ("no VPC endpoint policy", "a VPC endpoint policy"),
    Layer.RESOURCE: ("no resource-based policy", "a resource-based policy"),
    Layer.TRUST: ("no role trust policy", "the role trust policy"),
    Layer.IDENTITY: ("no identity-based policy", "an identity-based policy"),
    Layer.BOUNDARY: ("no permissions boundary", "a permissions boundary"),
    Layer.SESSION: ("no session policy", "a session policy"),
}
_NAMED_BY_ARN = frozenset({Layer.SCP, Layer.RCP, Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION})


def refused(
    denial: Denial,
    caller: Caller,
    check: Check,
    decision: Decision,
    kept: str = "",
    headers: Sequence[tuple[str, str]] = (),
) -> ServiceError:
    """Return AWS's refusal of a check. `kept` is what only the trail may say."""
    code, status = ("AccessDeniedException", 400) if denial is Denial.JSON else ("AccessDenied", 403)
    return ServiceError(code, words(denial, caller, check, decision), status, headers=tuple(headers), reason=kept)


def words(denial: Denial, caller: Caller, check: Check, decision: Decision) -> str:
    """Return AWS's text for a refused check."""
    if denial is Denial.BARE:
        return f"Not authorized to perform {check.action}"
    shown = check.shown or check.resource
    if denial is Denial.QUOTED:
        if caller.is_anonymous or caller.account != (check.account or caller.account):
            return "Access Denied"
        shown = f'"{shown}"'
    head = f"User: {caller.principal.arn or 'anonymous'} is not authorized to perform: {check.action}"
    head = f"{head} on resource: {shown}"
    return head if denial is Denial.SHORT else f"{head} {reason(check.action, decision)}"


def reason(action: str, decision: Decision) -> str:
    """Return the part of AWS's text that names the layer that denied."""
    layer = decision.layer or Layer.IDENTITY
    nothing, something = _NAMES[layer]
    if decision.outcome is not Outcome.EXPLICIT_DENY:
        return f"because {nothing} allows the {action} action"
    arns = [matched.arn for matched in decision.matched if matched.layer is layer and matched.arn]
    arn = arns[0] if arns and layer in _NAMED_BY_ARN else None
    return f"with an explicit deny in {something}: {arn}" if arn else f"with an explicit deny in {something}"
