"""IAM: identities, policies, credentials, and how they hang together."""

from __future__ import annotations

from rolecall.services.iam import (
    access_keys,
    account,
    account_summary,
    attachments,
    authorization_details,
    boundaries,
    credential_report,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    managed_policies,
    mfa_devices,
    oidc_providers,
    policy_versions,
    roles,
    service_credentials,
    service_linked_roles,
    signing_certificates,
    ssh_keys,
    tags,
    unbuilt,
    users,
)
from rolecall.services.iam.table import operations

NOUNS = (
    access_keys,
    account,
    account_summary,
    attachments,
    authorization_details,
    boundaries,
    credential_report,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    managed_policies,
    mfa_devices,
    oidc_providers,
    policy_versions,
    roles,
    service_credentials,
    service_linked_roles,
    signing_certificates,
    ssh_keys,
    tags,
    unbuilt,
    users,
)
"""The modules whose import fills the table."""

__all__ = ["NOUNS", "operations"]
