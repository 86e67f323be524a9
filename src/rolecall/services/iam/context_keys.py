"""GetContextKeysForCustomPolicy and GetContextKeysForPrincipalPolicy: what a simulation has to be told.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.policy.keys import context_keys
from rolecall.services.iam.access import on_account
from rolecall.services.iam.simulation_input import documents
from rolecall.services.iam.simulation_parameters import CustomPolicies, PrincipalPolicies
from rolecall.services.iam.simulators import on_source, read_policies, source
from rolecall.services.iam.table import operations
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot


@operations.read("GetContextKeysForCustomPolicy", CustomPolicies, on_account("GetContextKeysForCustomPolicy"))
def get_context_keys_for_custom_policy(allowed: Allowed, parameters: CustomPolicies, view: Snapshot) -> Result:
    """Return the condition keys that the given policies refer to."""
    del allowed, view
    return {"context_key_names": context_keys(documents(parameters.policy_input_list))}


@operations.read("GetContextKeysForPrincipalPolicy", PrincipalPolicies, on_source("GetContextKeysForPrincipalPolicy"))
def get_context_keys_for_principal_policy(allowed: Allowed, parameters: PrincipalPolicies, view: Snapshot) -> Result:
    """Return the condition keys that the policies of an entity, its groups' included, and given ones refer to."""
    policies = read_policies(view, source(allowed, view, parameters.policy_source_arn))
    attached = [one.policy.document for one in policies.identity]
    return {"context_key_names": context_keys([*attached, *documents(parameters.policy_input_list or ())])}
