"""Role trust policies: who may assume a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.policy.document import Document
from rolecall.policy.match import action_test
from rolecall.policy.validate.kind import Malformed
from rolecall.policy.validate.resource_based import (
    BAD_JSON,
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

ACTIONS = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:assumeroot",
        "sts:decodeauthorizationmessage",
        "sts:getaccesskeyinfo",
        "sts:getcalleridentity",
        "sts:getfederationtoken",
        "sts:getservicebearertoken",
        "sts:getsessiontoken",
        "sts:getwebidentitytoken",
        "sts:setcontext",
        "sts:setsourceidentity",
        "sts:tagsession",
    }
)
"""What a trust policy may speak of."""

_COGNITO = "cognito-identity.amazonaws.com"
_SHARED = {
    "token.actions.githubusercontent.com": "sub",
    "vstoken.actions.githubusercontent.com": "sub",
    "gitlab.com": "sub",
    "app.terraform.io": "sub",
    "agent.buildkite.com": "sub",
    "oidc.codefresh.io": "sub",
    "scalr.io": "sub",
    "proidc.upbound.io": "sub",
    _COGNITO: "aud",
    "api.pulumi.com/oidc": "aud",
    "oidc.vercel.com": "aud",
    "sandboxes.cloud": "aud",
}
"""Identity providers that serve everybody, and the claim that tells one tenant from another.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
"""
_NARROWING = ("StringEquals", "StringEqualsIgnoreCase", "StringLike")


def validate_trust(text: str) -> Document:
    """Hold a role's trust policy against AWS's rules. That its principals exist is for the caller to see."""
    statements = statements_of(read_object(text, BAD_JSON))
    for statement in statements:
        _statement(statement)
    return finished(text, statements)


def _statement(statement: Raw) -> None:
    frame(statement)
    if "NotPrincipal" in statement:
        raise Malformed("AssumeRole policy must not contain NotPrincipal field.")
    if not isinstance(statement["Principal"], dict):
        raise Malformed("Principal must be a JSON object.")
    names = named(statement["Principal"])
    actions = listed(statement, "Action")
    if not actions:
        raise Malformed("Missing required field Action")
    if not all(_is_of_sts(action) for action in actions):
        raise Malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    if "NotAction" in statement:
        raise Malformed(BAD_JSON)
    if "Resource" in statement:
        raise Malformed("Has prohibited field Resource")
    if "NotResource" in statement:
        raise Malformed("AssumeRole policy must not contain resources.")
    for kind, value in names:
        _principal(kind, value)
    _narrowed(statement, names, actions)


def _is_of_sts(action: str) -> bool:
    test = action_test(action)
    return action.lower().startswith("sts:") and any(test(known) for known in ACTIONS)


def _principal(kind: str, value: str) -> None:
    if kind in {"AWS", "Service", "Federated"} and is_principal(kind, value):
        return
    if kind == "Federated" and value != "*":
        raise Malformed("Federated principals must be valid domain names or SAML metadata ARNs")
    raise Malformed(f'Invalid principal in policy: "{kind if kind == "AWS" else kind.upper()}":"{value}"')


def _narrowed(statement: Raw, names: Sequence[tuple[str, str]], actions: Sequence[str]) -> None:
    """Refuse to trust a provider that serves everybody without saying which of its tenants is meant."""
    web = "sts:assumerolewithwebidentity"
    if statement["Effect"] != "Allow" or not any(action_test(action)(web) for action in actions):
        return
    keys = {
        key.lower()
        for operator, key, values in conditions(statement)
        if operator in _NARROWING and values and not any(set(value) <= {"*", "?"} for value in values)
    }
    for kind, value in names:
        issuer = value.partition(":oidc-provider/")[2] or value
        claim = _claim_of(issuer) if kind == "Federated" else None
        if claim is None or f"{issuer}:{claim}".lower() in keys:
            continue
        if issuer == _COGNITO:
            raise Malformed("A condition block must be present for the Cognito provider")
        raise Malformed(f"A condition on {issuer}:{claim} must be present for the shared OIDC provider {issuer}")


def _claim_of(issuer: str) -> str | None:
    """Return the claim that a shared provider needs a condition on; its enterprise paths are the provider too."""
    if issuer in _SHARED:
        return _SHARED[issuer]
    return _SHARED.get(issuer.partition("/")[0])
