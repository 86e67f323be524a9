"""How policies name users and roles while they are stored: by unique id, so that a name's next owner inherits nothing.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re

from rolecall.directory.accounts import accounts
from rolecall.directory.principals import Role, User, role, role_by_arn, user, user_by_arn
from rolecall.identifiers import ACCOUNT_ID, ROLE_SESSION_NAME, UNIQUE_ID, parse_arn
from rolecall.store.interface import Snapshot

_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal|api\.aws)")
_FEDERATED_NAME = re.compile(r"[\w+=,.@-]{2,32}", re.ASCII)
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def resolve_principal(view: Snapshot, account: str, type_: str, value: str) -> str | None:
    """Return what a policy of `account` stores for a principal: a unique id for users and roles, else the value.

    None: there is no such principal, or the value is ill formed. `type_` is the key of the Principal element.
    """
    if type_ == "AWS":
        return _resolve_aws(view, account, value)
    if type_ == "Service":
        return value if _SERVICE.fullmatch(value) else None
    if type_ == "CanonicalUser":
        return value if any(known.canonical_id == value for known in accounts(view)) else None
    if type_ == "Federated":
        return value if value and value != "*" else None
    return None


def show_principal(view: Snapshot, value: str) -> str:
    """Return what a stored principal value is shown as: the present ARN of a live user or role, else the value."""
    if not UNIQUE_ID.fullmatch(value):
        return value
    found = (_entity(view, known.account_id, value) for known in accounts(view))
    return next((entity.arn for entity in found if entity is not None), value)


def _resolve_aws(view: Snapshot, account: str, value: str) -> str | None:
    if value == "*" or ACCOUNT_ID.fullmatch(value):
        return value
    if UNIQUE_ID.fullmatch(value):
        return value if _lives(view, account, value) else None
    arn = parse_arn(value)
    if arn is None or arn.partition != "aws" or arn.region or not ACCOUNT_ID.fullmatch(arn.account):
        return None
    if arn.service == "sts":
        return value if _is_session(arn.resource) else None
    if arn.service != "iam":
        return None
    if arn.resource == "root":
        return value
    if arn.resource_type == "user":
        found_user = user_by_arn(view, value)
        return found_user.user_id if found_user is not None else None
    found_role = role_by_arn(view, value)
    return found_role.role_id if found_role is not None else None


def _is_session(resource: str) -> bool:
    match resource.split("/"):
        case ["assumed-role", role_name, session_name]:
            return bool(_ROLE_NAME.fullmatch(role_name) and ROLE_SESSION_NAME.fullmatch(session_name))
        case ["federated-user", name]:
            return bool(_FEDERATED_NAME.fullmatch(name))
    return False


def _lives(view: Snapshot, account: str, unique_id: str) -> bool:
    return _entity(view, account, unique_id) is not None


def _entity(view: Snapshot, account: str, unique_id: str) -> User | Role | None:
    if unique_id.startswith("AIDA"):
        return user(view, account, unique_id)
    if unique_id.startswith("AROA"):
        return role(view, account, unique_id)
    return None
