"""IAM: identities, policies, credentials, and how they hang together. Importing the modules fills the table."""

from __future__ import annotations

from rolecall.services.iam import access_keys as access_keys
from rolecall.services.iam import account as account
from rolecall.services.iam import account_summary as account_summary
from rolecall.services.iam import attachments as attachments
from rolecall.services.iam import authorization_details as authorization_details
from rolecall.services.iam import boundaries as boundaries
from rolecall.services.iam import context_keys as context_keys
from rolecall.services.iam import credential_report as credential_report
from rolecall.services.iam import groups as groups
from rolecall.services.iam import inline_policies as inline_policies
from rolecall.services.iam import instance_profiles as instance_profiles
from rolecall.services.iam import login_profiles as login_profiles
from rolecall.services.iam import managed_policies as managed_policies
from rolecall.services.iam import mfa_devices as mfa_devices
from rolecall.services.iam import oidc_providers as oidc_providers
from rolecall.services.iam import policy_versions as policy_versions
from rolecall.services.iam import roles as roles
from rolecall.services.iam import service_credentials as service_credentials
from rolecall.services.iam import service_linked_roles as service_linked_roles
from rolecall.services.iam import signing_certificates as signing_certificates
from rolecall.services.iam import simulators as simulators
from rolecall.services.iam import ssh_keys as ssh_keys
from rolecall.services.iam import tags as tags
from rolecall.services.iam import unbuilt as unbuilt
from rolecall.services.iam import users as users
from rolecall.services.iam.table import operations

__all__ = ["operations"]
