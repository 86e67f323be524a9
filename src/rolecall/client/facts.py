"""What AWS grants or keeps from whole kinds of callers, whatever policies say; no simulation of policies tells it.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
"""

from __future__ import annotations

EVERY_CALLER = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Actions, in lower case, that need no permission and that no policy can deny."""
LONG_TERM_ONLY = frozenset({"sts:getsessiontoken", "sts:getfederationtoken"})
"""Actions, in lower case, that no session can call."""
ALWAYS = "no permission is needed, and no policy can deny it"
NEVER = "no session of a role can call it, whatever its policies say"


def needs_no_permission(action: str) -> bool:
    """Tell whether every signed caller may, but for kinds of callers that cannot call the action at all."""
    return action.lower() in EVERY_CALLER


def no_role_can(action: str) -> bool:
    """Tell whether the sessions of roles cannot call an action."""
    return action.lower() in LONG_TERM_ONLY
