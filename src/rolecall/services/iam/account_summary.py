"""How much of everything the account has, and may have."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.access.allowed import Allowed
from rolecall.directory.credentials import keys_of
from rolecall.directory.devices import DEVICES, ROOT, devices_of
from rolecall.directory.policies import POLICIES, version_count
from rolecall.directory.principals import GROUPS, PROFILES, ROLES, USERS
from rolecall.directory.providers import OIDC_PROVIDERS
from rolecall.services.iam import (
    access_keys,
    attachments,
    documents,
    groups,
    instance_profiles,
    managed_policies,
    policy_versions,
    roles,
    users,
)
from rolecall.services.iam.access import on_account
from rolecall.services.iam.table import operations
from rolecall.services.operation import NoParameters, Result
from rolecall.store.interface import Snapshot

QUOTAS: Mapping[str, int] = {
    "AccessKeysPerUserQuota": access_keys.KEYS_PER_USER,
    "AssumeRolePolicySizeQuota": documents.TRUST_SIZE,
    "AttachedPoliciesPerGroupQuota": attachments.QUOTAS["Group"],
    "AttachedPoliciesPerRoleQuota": attachments.QUOTAS["Role"],
    "AttachedPoliciesPerUserQuota": attachments.QUOTAS["User"],
    "GlobalEndpointTokenVersion": 1,
    "GroupPolicySizeQuota": documents.INLINE_SIZES["group"],
    "GroupsPerUserQuota": groups.GROUPS_PER_USER,
    "GroupsQuota": groups.QUOTA,
    "InstanceProfilesQuota": instance_profiles.QUOTA,
    "PoliciesQuota": managed_policies.QUOTA,
    "PolicySizeQuota": documents.MANAGED_SIZE,
    "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": documents.INLINE_SIZES["role"],
    "RolesQuota": roles.QUOTA,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": documents.INLINE_SIZES["user"],
    "UsersQuota": users.QUOTA,
    "VersionsPerPolicyQuota": policy_versions.MAX_VERSIONS,
}


@operations.read("GetAccountSummary", NoParameters, on_account("GetAccountSummary"))
def get_account_summary(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """Return what there is and what there may be, by AWS's names for each."""
    del parameters
    account = allowed.caller.account
    counted = {
        "AccountAccessKeysPresent": int(bool(keys_of(view, account, None))),
        "AccountMFAEnabled": int(bool(devices_of(view, account, ROOT))),
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "Groups": GROUPS.count(view, account),
        "InstanceProfiles": PROFILES.count(view, account),
        "MFADevices": DEVICES.count(view, account),
        "MFADevicesInUse": sum(one.holder is not None for one in DEVICES.each(view, account)),
        "Policies": POLICIES.count(view, account),
        "PolicyVersionsInUse": version_count(view, account),
        "Providers": OIDC_PROVIDERS.count(view, account),
        "Roles": ROLES.count(view, account),
        "ServerCertificates": 0,
        "Users": USERS.count(view, account),
    }
    return {"summary_map": {**counted, **QUOTAS}}
