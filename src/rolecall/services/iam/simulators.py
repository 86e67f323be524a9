"""SimulateCustomPolicy and SimulatePrincipalPolicy: what policies would make of requests that nobody makes.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html

Unlike AWS's, a simulation of sts:AssumeRole asks the role's trust policy: the one that is given as ResourcePolicy or,
with SimulatePrincipalPolicy, the one that the role has. Who may not read it (iam:GetRole) is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.access.gather import PolicyBroken, policies_of, trust_policy
from rolecall.directory.principals import Group, Role, User, role_by_arn, user_by_arn
from rolecall.identifiers import parse_arn
from rolecall.message import ServiceError
from rolecall.policy.compile import compile_policy
from rolecall.policy.decide import Attached, Policies
from rolecall.policy.request import ContextValue
from rolecall.services.iam.access import group_check, on_account, role_check, user_check
from rolecall.services.iam.finding import the_group, the_role, the_user
from rolecall.services.iam.policy_exclusions import without
from rolecall.services.iam.refusals import invalid_input, no_such_entity
from rolecall.services.iam.shown import trust_text
from rolecall.services.iam.simulated_caller import SimulatedCaller, known_caller, named_caller, unknown_caller
from rolecall.services.iam.simulation import Setting, Trust, simulate
from rolecall.services.iam.simulation_input import (
    actions,
    boundary_input,
    context,
    entity,
    organization_levels,
    owner,
    policy_inputs,
    refuse_other_account,
    resource_policy,
    resources,
)
from rolecall.services.iam.simulation_parameters import (
    CustomSimulation,
    PrincipalPolicies,
    PrincipalSimulation,
    Simulation,
)
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot

_CHECKS = {"user": user_check, "group": group_check, "role": role_check}
_FINDERS: Mapping[str, Callable[[Snapshot, str, str], User | Group | Role]] = {
    "user": the_user,
    "group": the_group,
    "role": the_role,
}


def on_source(action: str) -> Access[PrincipalSimulation | PrincipalPolicies]:
    """Declare an operation on the entity whose policies are looked at, whom AWS's texts show by ARN."""
    return Access(lambda ask: [_source_check(ask, action)])


def _source_check(ask: Ask[PrincipalSimulation | PrincipalPolicies], action: str) -> Check:
    """Ask for an action on the entity. Of what names none of the account, the handler says so to who has the right."""
    given = ask.parameters.policy_source_arn
    parsed = parse_arn(given)
    make = _CHECKS.get(parsed.resource_type) if parsed is not None else None
    if parsed is None or make is None or parsed.account != ask.caller.account:
        return Check(f"iam:{action}", given)
    return Check(f"iam:{action}", given, context=make(ask, action, parsed.resource_name).context)


def source(allowed: Allowed, view: Snapshot, given: str) -> User | Group | Role:
    """Return the entity whose policies are looked at. Raises InvalidInput, NoSuchEntity."""
    arn = entity(given)
    refuse_other_account(arn, allowed.caller.account)
    found = _FINDERS[arn.resource_type](view, arn.account, arn.resource_name)
    if found.arn != given:
        raise no_such_entity(f"The {arn.resource_type} with name {arn.resource_name} cannot be found.")
    return found


@operations.read("SimulateCustomPolicy", CustomSimulation, on_account("SimulateCustomPolicy"))
def simulate_custom_policy(allowed: Allowed, parameters: CustomSimulation, view: Snapshot) -> Result:
    """Simulate requests under the policies that the request carries, and no others. Nothing is looked up."""
    del view
    caller = unknown_caller(allowed.caller.account)
    if parameters.caller_arn is not None:
        caller = named_caller(entity(parameters.caller_arn))
    elif parameters.resource_policy is not None:
        raise invalid_input("CallerArn is required when a resource policy is provided.")
    policies = Policies(
        identity=policy_inputs(parameters.policy_input_list),
        boundary=boundary_input(parameters.permissions_boundary_policy_input_list),
        scps=organization_levels(parameters.ordered_organization_policy_input_list),
    )
    return _simulated(parameters, Setting(caller, policies, {}), wildcards=False)


@operations.read("SimulatePrincipalPolicy", PrincipalSimulation, on_source("SimulatePrincipalPolicy"))
def simulate_principal_policy(allowed: Allowed, parameters: PrincipalSimulation, view: Snapshot) -> Result:
    """Simulate requests under the policies that an entity has, and those that the request adds."""
    found = source(allowed, view, parameters.policy_source_arn)
    own = read_policies(view, found)
    added = policy_inputs(parameters.policy_input_list)
    policies = without(
        parameters.policy_exclusion_list or (),
        Policies(identity=own.identity, boundary=own.boundary, scps=own.scps),
    )
    policies = Policies(
        identity=(*policies.identity, *added),
        boundary=boundary_input(parameters.permissions_boundary_policy_input_list) or policies.boundary,
        scps=policies.scps,
    )
    setting = Setting(
        _caller(view, parameters.caller_arn, found), policies, {}, trust_of=partial(_trust_of, allowed, view)
    )
    return _simulated(parameters, setting, wildcards=True)


def read_policies(view: Snapshot, found: User | Group | Role) -> Policies:
    """Return the policies of an entity. Raises PolicyEvaluation where one cannot be read."""
    try:
        own = policies_of(view, found)
    except PolicyBroken as broken:
        raise ServiceError("PolicyEvaluation", str(broken), 500) from broken
    return Policies(identity=own.identity, boundary=own.boundary, scps=own.scps)


def _caller(view: Snapshot, arn: str | None, found: User | Group | Role) -> SimulatedCaller:
    """Return the caller: the entity whose policies are asked or, with CallerArn, somebody else under its policies."""
    if arn is None or arn == found.arn:
        return known_caller(view, found)
    parsed = entity(arn)
    other = user_by_arn(view, arn) or role_by_arn(view, arn)
    return named_caller(parsed, other.unique_id if other is not None else "")


def _simulated(parameters: Simulation, setting: Setting, *, wildcards: bool) -> Result:
    given = parameters.resource_policy
    resource = None if given is None else resource_policy(given)
    policies = setting.policies
    whole = Setting(
        setting.caller,
        Policies(policies.identity, policies.boundary, resource=resource, scps=policies.scps),
        context(parameters.context_entries),
        owner(parameters.resource_owner),
        setting.trust_of,
    )
    asked = resources(parameters.resource_arns, parameters.resource_handling_option)
    return simulate(
        whole, actions(parameters.action_names, wildcards=wildcards), asked, parameters.marker, parameters.max_items
    )


def _trust_of(allowed: Allowed, view: Snapshot, arn: str) -> Trust:
    """Return the trust policy of a role of the asker's account; of other accounts none is shown, so none is asked.

    Raises ServiceError AccessDenied where the asker may not read it.
    """
    parsed = parse_arn(arn)
    if parsed is None or parsed.account != allowed.caller.account:
        return Trust(None, {})
    found = role_by_arn(view, arn)
    check = Check("iam:GetRole", arn, context=_tags(found))
    if not allowed.permits(view, check):
        allowed.require(view, check)
    if found is None:
        return Trust(None, {})
    try:
        stored = trust_policy(view, found.account, found.role_id).policy
    except PolicyBroken as broken:
        raise ServiceError("PolicyEvaluation", str(broken), 500) from broken
    return Trust(None if stored is None else _shown(stored, trust_text(view, found)), _tags(found))


def _shown(stored: Attached, text: str) -> Attached:
    """Return a trust policy whose statements stand where they do in the text that GetRole shows."""
    return replace(stored, policy=compile_policy(replace(stored.policy.document, text=text)))


def _tags(found: Role | None) -> dict[str, ContextValue]:
    tags = found.tags if found is not None else {}
    prefixes: Sequence[str] = ("aws:resourcetag/", "iam:resourcetag/")
    return {f"{prefix}{key.lower()}": value for key, value in tags.items() for prefix in prefixes}
