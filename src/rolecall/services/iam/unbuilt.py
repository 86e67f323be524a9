"""IAM's operations that are not built: authenticated, authorized on what they name, and then refused with 501."""

from __future__ import annotations

from rolecall.access.check import Access, Ask, Check
from rolecall.identifiers import iam_arn, parse_arn
from rolecall.services.iam.access import (
    Keys,
    arn_check,
    group_check,
    making,
    on_account,
    policy_check,
    role_check,
    tag_keys_in_request,
    tags_in_request,
    user_check,
)
from rolecall.services.iam.parameters import Tag
from rolecall.services.iam.table import operations
from rolecall.services.operation import NoParameters, Parameters


class OfSaml(Parameters, frozen=True, kw_only=True):
    """Of operations on a SAML provider."""

    saml_provider_arn: str


class SamlAndTags(OfSaml, frozen=True, kw_only=True):
    """Of TagSAMLProvider."""

    tags: list[Tag]


class SamlAndTagKeys(OfSaml, frozen=True, kw_only=True):
    """Of UntagSAMLProvider."""

    tag_keys: list[str]


class NewSaml(Parameters, frozen=True, kw_only=True):
    """Of CreateSAMLProvider."""

    name: str
    tags: list[Tag] | None = None


class OfCertificate(Parameters, frozen=True, kw_only=True):
    """Of operations on a server certificate."""

    server_certificate_name: str


class CertificateAndTags(OfCertificate, frozen=True, kw_only=True):
    """Of TagServerCertificate."""

    tags: list[Tag]


class CertificateAndTagKeys(OfCertificate, frozen=True, kw_only=True):
    """Of UntagServerCertificate."""

    tag_keys: list[str]


class NewCertificate(OfCertificate, frozen=True, kw_only=True):
    """Of UploadServerCertificate."""

    path: str = "/"
    tags: list[Tag] | None = None


class RenamedCertificate(OfCertificate, frozen=True, kw_only=True):
    """Of UpdateServerCertificate."""

    new_path: str | None = None
    new_server_certificate_name: str | None = None


class CertificatesBelow(Parameters, frozen=True, kw_only=True):
    """Of ListServerCertificates."""

    path_prefix: str = "/"


class OfEntity(Parameters, frozen=True, kw_only=True):
    """Of operations on whichever user, group, role or policy an ARN names."""

    arn: str


class OfDelegation(Parameters, frozen=True, kw_only=True):
    """Of operations on a delegation request."""

    delegation_request_id: str


class OfSummarized(Parameters, frozen=True, kw_only=True):
    """Of GetHumanReadableSummary."""

    entity_arn: str


class OfTemplate(Parameters, frozen=True, kw_only=True):
    """Of operations on a role template."""

    template_arn: str


class OfReport(Parameters, frozen=True, kw_only=True):
    """Of GenerateOrganizationsAccessReport."""

    entity_path: str


def _on_arn(ask: Ask[Parameters], action: str, arn: str, keys: Keys | None = None) -> list[Check]:
    """Ask for an action on the resource that the request names by its ARN, whose tags nobody knows yet."""
    return [arn_check(ask, action, arn, {}, keys or {})]


def _certificate(ask: Ask[Parameters], name: str, path: str = "/") -> str:
    return iam_arn(ask.caller.account, "server-certificate", path, name)


def on_saml(action: str) -> Access[OfSaml]:
    """Declare an operation on a SAML provider."""
    return Access(lambda ask: _on_arn(ask, action, ask.parameters.saml_provider_arn))


def on_certificate(action: str) -> Access[OfCertificate]:
    """Declare an operation on a server certificate."""
    return Access(lambda ask: _on_arn(ask, action, _certificate(ask, ask.parameters.server_certificate_name)))


def on_delegation(action: str) -> Access[OfDelegation]:
    """Declare an operation on a delegation request."""
    return Access(
        lambda ask: _on_arn(
            ask, action, iam_arn(ask.caller.account, "delegation-request", "/", ask.parameters.delegation_request_id)
        )
    )


def on_template(action: str) -> Access[OfTemplate]:
    """Declare an operation on a role template, which is AWS's for everybody to read."""
    return Access(lambda ask: [Check(f"iam:{action}", ask.parameters.template_arn)])


def on_entity(action: str) -> Access[OfEntity]:
    """Declare an operation on whichever entity an ARN names."""
    return Access(lambda ask: [_entity_check(ask, action, ask.parameters.arn)])


def _entity_check(ask: Ask[Parameters], action: str, arn: str) -> Check:
    parsed = parse_arn(arn)
    if parsed is None or parsed.account != ask.caller.account:
        return policy_check(ask, action, arn)
    check = {"user": user_check, "role": role_check, "group": group_check}.get(parsed.resource_type)
    return policy_check(ask, action, arn) if check is None else check(ask, action, parsed.resource_name)


def _rename_certificate(ask: Ask[RenamedCertificate]) -> list[Check]:
    parameters, action = ask.parameters, "UpdateServerCertificate"
    before = _certificate(ask, parameters.server_certificate_name)
    name = parameters.new_server_certificate_name or parameters.server_certificate_name
    after = _certificate(ask, name, parameters.new_path or "/")
    return [check for arn in dict.fromkeys((before, after)) for check in _on_arn(ask, action, arn)]


def _list_certificates(ask: Ask[CertificatesBelow]) -> list[Check]:
    arn = f"arn:aws:iam::{ask.caller.account}:server-certificate{ask.parameters.path_prefix}"
    return [Check("iam:ListServerCertificates", arn)]


def _summarize(ask: Ask[OfSummarized]) -> list[Check]:
    return _on_arn(ask, "GetHumanReadableSummary", ask.parameters.entity_arn)


def _report(ask: Ask[OfReport]) -> list[Check]:
    arn = iam_arn(ask.caller.account, "access-report", "/", ask.parameters.entity_path)
    return [Check("iam:GenerateOrganizationsAccessReport", arn)]


def _on_all(action: str, resource: str) -> Access[Parameters]:
    return Access(lambda ask: [Check(f"iam:{action}", f"arn:aws:iam::{ask.caller.account}:{resource}")])


_ACCOUNT = (
    "DisableOrganizationsRootCredentialsManagement",
    "DisableOrganizationsRootSessions",
    "DisableOutboundWebIdentityFederation",
    "EnableOrganizationsRootCredentialsManagement",
    "EnableOrganizationsRootSessions",
    "EnableOutboundWebIdentityFederation",
    "GetAccountProperties",
    "GetOrganizationsAccessReport",
    "GetOutboundWebIdentityFederationInfo",
    "GetServiceLastAccessedDetails",
    "GetServiceLastAccessedDetailsWithEntities",
    "ListDelegationRequests",
    "ListOrganizationsFeatures",
    "PutAccountProperties",
    "SetSecurityTokenServicePreferences",
)
_DELEGATION = (
    "AcceptDelegationRequest",
    "AssociateDelegationRequest",
    "GetDelegationRequest",
    "RejectDelegationRequest",
    "SendDelegationToken",
    "UpdateDelegationRequest",
)
_SAML = ("DeleteSAMLProvider", "GetSAMLProvider", "ListSAMLProviderTags", "UpdateSAMLProvider")
_CERTIFICATE = ("DeleteServerCertificate", "GetServerCertificate", "ListServerCertificateTags")


def _declare_by_noun() -> None:
    for name in _ACCOUNT:
        operations.unbuilt(name, NoParameters, on_account(name))
    for name in _DELEGATION:
        operations.unbuilt(name, OfDelegation, on_delegation(name))
    for name in _SAML:
        operations.unbuilt(name, OfSaml, on_saml(name))
    for name in _CERTIFICATE:
        operations.unbuilt(name, OfCertificate, on_certificate(name))
    for name in ("GenerateServiceLastAccessedDetails", "ListPoliciesGrantingServiceAccess"):
        operations.unbuilt(name, OfEntity, on_entity(name))
    for name in ("AcquireRole", "GetRoleTemplateVersion"):
        operations.unbuilt(name, OfTemplate, on_template(name))


def _tag_saml(ask: Ask[SamlAndTags]) -> list[Check]:
    return _on_arn(ask, "TagSAMLProvider", ask.parameters.saml_provider_arn, tags_in_request(ask.parameters.tags))


def _untag_saml(ask: Ask[SamlAndTagKeys]) -> list[Check]:
    parameters = ask.parameters
    return _on_arn(ask, "UntagSAMLProvider", parameters.saml_provider_arn, tag_keys_in_request(parameters.tag_keys))


def _tag_certificate(ask: Ask[CertificateAndTags]) -> list[Check]:
    arn = _certificate(ask, ask.parameters.server_certificate_name)
    return _on_arn(ask, "TagServerCertificate", arn, tags_in_request(ask.parameters.tags))


def _untag_certificate(ask: Ask[CertificateAndTagKeys]) -> list[Check]:
    arn = _certificate(ask, ask.parameters.server_certificate_name)
    return _on_arn(ask, "UntagServerCertificate", arn, tag_keys_in_request(ask.parameters.tag_keys))


def _create_saml(ask: Ask[NewSaml]) -> list[Check]:
    arn = iam_arn(ask.caller.account, "saml-provider", "/", ask.parameters.name)
    return making("CreateSAMLProvider", "TagSAMLProvider", arn, ask.parameters.tags)


def _upload_certificate(ask: Ask[NewCertificate]) -> list[Check]:
    arn = _certificate(ask, ask.parameters.server_certificate_name, ask.parameters.path)
    return making("UploadServerCertificate", "TagServerCertificate", arn, ask.parameters.tags)


def _declare_each() -> None:
    operations.unbuilt("TagSAMLProvider", SamlAndTags, Access(_tag_saml))
    operations.unbuilt("UntagSAMLProvider", SamlAndTagKeys, Access(_untag_saml))
    operations.unbuilt("TagServerCertificate", CertificateAndTags, Access(_tag_certificate))
    operations.unbuilt("UntagServerCertificate", CertificateAndTagKeys, Access(_untag_certificate))
    operations.unbuilt("CreateSAMLProvider", NewSaml, Access(_create_saml))
    operations.unbuilt("UploadServerCertificate", NewCertificate, Access(_upload_certificate))
    operations.unbuilt("UpdateServerCertificate", RenamedCertificate, Access(_rename_certificate))
    operations.unbuilt(
        "CreateDelegationRequest", NoParameters, _on_all("CreateDelegationRequest", "delegation-request/*")
    )
    operations.unbuilt("ListServerCertificates", CertificatesBelow, Access(_list_certificates))
    operations.unbuilt("ListSAMLProviders", NoParameters, _on_all("ListSAMLProviders", "saml-provider/*"))
    operations.unbuilt("GetHumanReadableSummary", OfSummarized, Access(_summarize))
    operations.unbuilt("GenerateOrganizationsAccessReport", OfReport, Access(_report))


_declare_by_noun()
_declare_each()
