"""Session policies: documents and managed policies that only ever limit the session they are passed for.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.catalog import managed_policies
from rolecall.directory.policies import managed_policy
from rolecall.identifiers import parse_arn
from rolecall.message import ServiceError
from rolecall.policy.validate import Malformed, PolicyKind, validate
from rolecall.services.sts.parameters import PolicyDescriptor
from rolecall.store.interface import Snapshot

MAX_ARNS = 10
MAX_PLAIN = 2048
"""Characters of an inline policy as it is sent, white space too: AssumeRole's text says so, if no longer its shape."""


def inline(policy: str | None) -> tuple[str, ...]:
    """Return the inline session policy of a request as a session holds it.

    Raises ServiceError where it is none, and where its plain text is too long, however small it packs.
    """
    if policy is None:
        return ()
    if len(policy) > MAX_PLAIN:
        percent = -(-100 * len(policy) // MAX_PLAIN)
        message = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        raise ServiceError("PackedPolicyTooLarge", message)
    try:
        validate(policy, PolicyKind.SESSION)
    except Malformed as error:
        raise ServiceError("MalformedPolicyDocument", error.message) from error
    return (policy,)


def managed(view: Snapshot, account: str, descriptors: Sequence[PolicyDescriptor]) -> tuple[str, ...]:
    """Return the ARNs of the managed session policies of a request.

    Raises ServiceError where there are too many, and where one is neither AWS's nor in `account`, or does not exist.
    """
    if not descriptors:
        return ()
    if len(descriptors) > MAX_ARNS:
        raise ServiceError(
            "ValidationError",
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length"
            f" less than or equal to {MAX_ARNS}",
        )
    arns: list[str] = []
    for descriptor in descriptors:
        arn = descriptor.arn
        if arn is None:
            raise ServiceError(
                "ValidationError",
                f"1 validation error detected: Value null at 'policyArns.{len(arns) + 1}.member.arn' failed to satisfy"
                " constraint: Member must not be null",
            )
        _refuse_unknown(view, account, arn)
        arns.append(arn)
    return tuple(dict.fromkeys(arns))


def _refuse_unknown(view: Snapshot, account: str, arn: str) -> None:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or parsed.resource_type != "policy":
        raise ServiceError("ValidationError", f"{arn} is invalid")
    known = managed_policies.find(arn) if parsed.account == "aws" else managed_policy(view, arn)
    if known is None or parsed.account not in {account, "aws"}:
        raise ServiceError("ValidationError", f"Policy {arn} does not exist or is not attachable.")
