"""What a case takes for granted of single AWS services: facts that no policy says and the engine does not know."""

from __future__ import annotations

from rolecall.policy.request import PolicyRequest, PrincipalKind

MULTIVALUED = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "s3:inventoryaccessibleoptionalfields",
        "s3:requestobjecttagkeys",
        "sts:identitytokenaudience",
        "sts:requestcontextproviders",
        "sts:transitivetagkeys",
    }
)
"""Keys whose value is a list even where it holds one."""
_MULTIVALUED_ENDS = (":amr",)
_SYNTHETIC_LISTS = "test:multi"

BUILT_IN_PROVIDERS = frozenset(
    {"accounts.google.com", "graph.facebook.com", "www.amazon.com", "cognito-identity.amazonaws.com"}
)

EVERY_CALLER = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Actions that need no permission: every signed caller may, but for kinds of callers that cannot call them."""
_OWNERS_ROOT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})
_AWS_MANAGED_WRITES = frozenset(
    {
        "iam:createpolicyversion",
        "iam:deletepolicy",
        "iam:deletepolicyversion",
        "iam:setdefaultpolicyversion",
        "iam:tagpolicy",
        "iam:untagpolicy",
    }
)
_UNDER_RESOURCE_CONTROL = frozenset(
    {
        *("aoss", "cognito-identity", "cognito-idp", "dynamodb", "ecr"),
        *("kms", "logs", "s3", "secretsmanager", "sqs", "sts"),
    }
)
_LONG_TERM_ONLY = frozenset({"sts:getfederationtoken", "sts:getsessiontoken"})
_TEMPORARY = (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)


def is_list(key: str) -> bool:
    """Tell whether AWS declares a condition key (in lower case) as a list of values."""
    return key in MULTIVALUED or key.endswith(_MULTIVALUED_ENDS) or key.startswith(_SYNTHETIC_LISTS)


def cannot_call(request: PolicyRequest) -> bool:
    """Tell whether this kind of caller cannot call the action at all, whatever policies say.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
    """
    kind, action = request.principal.kind, request.action.lower()
    if action in _LONG_TERM_ONLY and (kind in _TEMPORARY or kind is PrincipalKind.ANONYMOUS):
        return True
    if kind is PrincipalKind.FEDERATED_USER and not request.must_be_admitted:
        return action.startswith("iam:") or (action.startswith("sts:") and action != "sts:getcalleridentity")
    return action in _AWS_MANAGED_WRITES and request.resource.startswith("arn:aws:iam::aws:policy/")


def every_caller_may(request: PolicyRequest) -> bool:
    """Tell whether the action needs no permission, so that no policy can deny it."""
    return request.action.lower() in EVERY_CALLER and request.principal.kind is not PrincipalKind.ANONYMOUS


def owners_root_may(request: PolicyRequest) -> bool:
    """Tell whether the caller is the root user who may do this whatever the resource's own policy says."""
    caller = request.principal
    of_its_own = caller.kind is PrincipalKind.ROOT and caller.account == request.resource_account
    return of_its_own and request.action.lower() in _OWNERS_ROOT


def is_under_resource_control(action: str) -> bool:
    """Tell whether resource control policies reach an action's service.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services
    """
    lowered = action.lower()
    return lowered.partition(":")[0] in _UNDER_RESOURCE_CONTROL and lowered != "kms:retiregrant"


def needs_both_sides(request: PolicyRequest) -> bool:
    """Tell whether a role session needs the action in its own policies too, whatever the resource's policy says."""
    return request.principal.kind is PrincipalKind.ROLE_SESSION and request.action.lower() == "sts:setsourceidentity"


def is_own_matter(action: str) -> bool:
    """Tell whether the caller's account alone decides, whatever account the ARN shows: AssumeRoot."""
    return action.lower() == "sts:assumeroot"


def is_delegated(action: str) -> bool:
    """Tell whether identity policies count only where the resource's own policy admits the account: KMS keys.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    return action.lower().startswith("kms:")
