"""Bucket policies.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rolecall.policy.document import Document
from rolecall.policy.validate.facts import ActionFacts, Facts
from rolecall.policy.validate.kind import Malformed
from rolecall.policy.validate.resource_based import (
    Raw,
    conditions,
    finished,
    frame,
    is_principal,
    listed,
    named,
    read_object,
    statements_of,
)

CODE = "MalformedPolicy"
_SERVICE = "s3:"
_ARN = re.compile(r"arn:aws[a-z-]*:s3:::(.+)", re.DOTALL)


def validate_bucket(text: str, bucket: str, facts: Facts | None) -> Document:
    """Hold a policy for a bucket against AWS's rules. That its principals exist is for the caller to see."""
    try:
        return _validate(text, bucket, facts)
    except Malformed as refusal:
        raise Malformed(refusal.message, CODE) from None


def _validate(text: str, bucket: str, facts: Facts | None) -> Document:
    not_json = "Policies must be valid JSON and the first byte must be '{'"
    if not text.startswith("{"):
        raise Malformed(not_json)
    statements = statements_of(read_object(text, not_json))
    for statement in statements:
        _statement(statement, bucket, facts)
    return finished(text, statements)


def _statement(statement: Raw, bucket: str, facts: Facts | None) -> None:
    frame(statement)
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal != "*" and not all(_is_principal(kind, value) for kind, value in _named(principal)):
        raise Malformed("Invalid principal in policy")
    actions = listed(statement, "Action", "NotAction")
    if not actions:
        raise Malformed("Missing required field Action")
    resources = listed(statement, "Resource", "NotResource")
    if not resources:
        raise Malformed("Missing required field Resource")
    if not all(_is_of_bucket(resource, bucket) for resource in resources):
        raise Malformed("Policy has invalid resource")
    known = [_named_actions(action, facts) for action in actions]
    keys = [key for _, key, _ in conditions(statement)]
    if facts is None or "NotAction" in statement:
        return
    if "Resource" in statement and not all(_applies(each, resources) for each in known):
        raise Malformed("Action does not apply to any resource(s) in statement")
    for key in keys:
        _condition_key(key, known, facts)


def _named(principal: object) -> list[tuple[str, str]]:
    if isinstance(principal, str):
        raise Malformed("Invalid principal in policy")
    return named(principal)


def _is_principal(kind: str, value: str) -> bool:
    """Tell whether a principal may stand in a bucket policy: of identity providers only SAML's, as AWS has it."""
    return is_principal(kind, value) and (kind != "Federated" or ":saml-provider/" in value)


def _is_of_bucket(resource: str, bucket: str) -> bool:
    """Tell whether a resource is the bucket or lies in it; a pattern has to begin with the bucket's whole name."""
    found = _ARN.fullmatch(resource)
    if found is None:
        return False
    if not bucket:
        return not found[1].startswith("/")
    rest = found[1].removeprefix(bucket)
    return found[1].startswith(bucket) and (not rest or rest[0] in "/*?")


def _named_actions(pattern: str, facts: Facts | None) -> Sequence[ActionFacts]:
    """Return the actions that a pattern names; none for `*` and `s3:*`, which are about whatever there is."""
    if pattern in {"*", "s3:*"}:
        return ()
    if not pattern.lower().startswith(_SERVICE):
        raise Malformed("Policy has invalid action")
    found = facts.matching(pattern) if facts is not None else ()
    if facts is not None and not found:
        raise Malformed("Policy has invalid action")
    return found


def _applies(actions: Sequence[ActionFacts], resources: Sequence[str]) -> bool:
    """Tell whether one of the actions that a pattern names is about a kind of resource that is listed."""
    if not actions:
        return True
    in_bucket = any("/" in resource or "*" in resource for resource in resources)
    whole = any("/" not in resource for resource in resources)
    for action in actions:
        for kind in action.resource_types:
            name = kind.pattern.partition(":::")[2]
            if name and (in_bucket if "/" in name else whole):
                return True
    return False


def _condition_key(key: str, patterns: Sequence[Sequence[ActionFacts]], facts: Facts) -> None:
    """Refuse a key that requests for some listed action can never carry."""
    if key.lower().startswith("aws:"):
        return
    every = patterns if all(patterns) else [*filter(None, patterns), facts.matching("s3:*")]
    usable = [any(facts.has_condition_key(action.full_name, key) for action in actions) for actions in every]
    if all(usable):
        return
    if any(facts.has_condition_key(action.full_name, key) for action in facts.matching("s3:*")):
        raise Malformed("Conditions do not apply to combination of actions and resources in statement")
    if key.lower().startswith(_SERVICE) or ":" not in key:
        raise Malformed("Policy has an invalid condition key")
