"""What STS's operations need to be allowed.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html, and for the source identity
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rolecall.access.check import Access, Ask, Check, Denial, Guard
from rolecall.directory.principals import Role
from rolecall.identifiers import ACCOUNT_ID, Arn, federated_user_arn, parse_arn
from rolecall.message import ServiceError
from rolecall.policy.request import ContextValue
from rolecall.services.operation import NoParameters
from rolecall.services.sts.memory import Memory, remembered
from rolecall.services.sts.mfa import carries_code, prove
from rolecall.services.sts.parameters import AssumeRole, GetAccessKeyInfo, GetFederationToken, GetSessionToken
from rolecall.services.sts.session_tags import Inherited, inherited_by, passed_tags
from rolecall.store.interface import Snapshot

Keys = dict[str, ContextValue]


def target_role(view: Snapshot, memory: Memory, role_arn: str) -> tuple[Arn, Role | None]:
    """Return the ARN of the role to assume, taken apart, and the role. Raises ServiceError for what names no role."""
    arn = _role_arn(role_arn)
    if arn is None:
        raise ServiceError("ValidationError", f"{role_arn} is invalid")
    return arn, memory.role(view, role_arn)


@lru_cache(maxsize=1024)
def _role_arn(text: str) -> Arn | None:
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or arn.partition != "aws" or arn.region:
        return None
    if not ACCOUNT_ID.fullmatch(arn.account) or not arn.resource.startswith("role/") or not arn.resource_name:
        return None
    return arn


def _assume_role(ask: Ask[AssumeRole]) -> Sequence[Check]:
    parameters = ask.parameters
    arn, found = target_role(ask.view, remembered(ask.view), parameters.role_arn)
    with_mfa = carries_code(parameters)
    if with_mfa:
        prove(ask.view, ask.caller, parameters, ask.now)
    inherited = inherited_by(ask.caller)
    context = _assume_role_keys(parameters, found, inherited)

    def check(action: str, *, needs_both_sides: bool = False) -> Check:
        return Check(
            action,
            parameters.role_arn,
            arn.account,
            context,
            guard=Guard.ROLE,
            guarded_by=found.role_id if found is not None else "",
            needs_both_sides=needs_both_sides,
            with_mfa=with_mfa,
        )

    checks = [check("sts:AssumeRole")]
    if parameters.tags or inherited.tags:
        checks.append(check("sts:TagSession"))
    if parameters.source_identity or inherited.source_identity:
        checks.append(check("sts:SetSourceIdentity", needs_both_sides=ask.caller.role is not None))
    if parameters.provided_contexts:
        checks.append(check("sts:SetContext"))
    return checks


def _assume_role_keys(parameters: AssumeRole, found: Role | None, inherited: Inherited) -> Keys:
    """Return the condition keys of AssumeRole. Inherited tags count as passed, an inherited source identity as set."""
    keys: Keys = {"sts:rolesessionname": parameters.role_session_name}
    if parameters.external_id is not None:
        keys["sts:externalid"] = parameters.external_id
    if source_identity := inherited.source_identity or parameters.source_identity:
        keys["sts:sourceidentity"] = source_identity
    if parameters.transitive_tag_keys:
        keys["sts:transitivetagkeys"] = parameters.transitive_tag_keys
    if parameters.tags or inherited.tags:
        keys.update(request_tags({**inherited.tags, **passed_tags(parameters.tags)}))
    if parameters.provided_contexts:
        providers = (context.provider_arn for context in parameters.provided_contexts)
        keys["sts:requestcontextproviders"] = tuple(provider for provider in providers if provider)
    if found is not None:
        for key, value in found.tags.items():
            keys["aws:resourcetag/" + key.lower()] = keys["iam:resourcetag/" + key.lower()] = value
    return keys


def request_tags(tags: Mapping[str, str]) -> Keys:
    """Return the keys of tags that a request passes."""
    keys: Keys = {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    keys["aws:tagkeys"] = tuple(tags)
    return keys


def _session_token(ask: Ask[GetSessionToken]) -> Sequence[Check]:
    """Ask for nothing, but refuse an MFA code that does not hold."""
    if carries_code(ask.parameters):
        prove(ask.view, ask.caller, ask.parameters, ask.now)
    return ()


def _federation_token(ask: Ask[GetFederationToken]) -> Sequence[Check]:
    parameters = ask.parameters
    arn = federated_user_arn(ask.caller.account, parameters.name)
    if not parameters.tags:
        return [Check("sts:GetFederationToken", arn)]
    keys = request_tags(passed_tags(parameters.tags))
    return [Check("sts:GetFederationToken", arn, context=keys), Check("sts:TagSession", arn, context=keys)]


def _anything(actions: Iterable[str]) -> Sequence[Check]:
    return [Check(action) for action in actions]


ASSUME_ROLE = Access(_assume_role, denial=Denial.SHORT)
FEDERATION_TOKEN = Access(_federation_token)
ACCESS_KEY_INFO: Access[GetAccessKeyInfo] = Access(lambda _: _anything(["sts:GetAccessKeyInfo"]))
CALLER_IDENTITY: Access[NoParameters] = Access(lambda _: (), every_caller=True)
"""No policy grants or denies it."""
SESSION_TOKEN = Access(_session_token, every_caller=True)
"""No policy grants or denies it; which credentials may call it, the authorizer knows."""
