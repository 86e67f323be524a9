"""What the policy simulator is asked with.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import msgspec

from rolecall.services.operation import Parameters


class ContextEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A condition key of the simulated request, with its values and their type."""

    context_key_name: str | None = None
    context_key_values: list[str] | None = None
    context_key_type: str | None = None


class OrganizationLevel(msgspec.Struct, frozen=True, kw_only=True):
    """The service control policies of one level, from the organization's root to the account."""

    service_control_policy_input_list: list[str] | None = None


class InlinePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """An inline policy by its name and what it is attached to, where `*` and `?` are wildcards."""

    policy_name: str
    attachment_type: str
    attachment_name: str


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Policies to be left out, named in one of three ways."""

    policy_type: str | None = None
    policy_arn: str | None = None
    inline_policy_identifier: InlinePolicy | None = None


class Simulation(Parameters, frozen=True, kw_only=True):
    """What both simulations take."""

    action_names: list[str]
    resource_arns: list[str] | None = None
    resource_policy: str | None = None
    resource_owner: str | None = None
    caller_arn: str | None = None
    context_entries: list[ContextEntry] | None = None
    permissions_boundary_policy_input_list: list[str] | None = None
    resource_handling_option: str | None = None
    marker: str | None = None
    max_items: int | None = None


class CustomSimulation(Simulation, frozen=True, kw_only=True):
    """Of SimulateCustomPolicy."""

    policy_input_list: list[str]
    ordered_organization_policy_input_list: list[OrganizationLevel] | None = None


class PrincipalSimulation(Simulation, frozen=True, kw_only=True):
    """Of SimulatePrincipalPolicy."""

    policy_source_arn: str
    policy_input_list: list[str] | None = None
    policy_exclusion_list: list[Exclusion] | None = None


class CustomPolicies(Parameters, frozen=True, kw_only=True):
    """Of GetContextKeysForCustomPolicy."""

    policy_input_list: list[str]


class PrincipalPolicies(Parameters, frozen=True, kw_only=True):
    """Of GetContextKeysForPrincipalPolicy."""

    policy_source_arn: str
    policy_input_list: list[str] | None = None
