"""OpenID Connect providers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access, Ask, Check
from rolecall.directory.providers import OIDC_PROVIDERS, OidcProvider, oidc_provider
from rolecall.directory.records import NameTaken
from rolecall.identifiers import iam_arn, parse_arn
from rolecall.message import ServiceError
from rolecall.services.iam.access import Keys, arn_check, making, tag_keys_in_request, tags_in_request
from rolecall.services.iam.parameters import Tag
from rolecall.services.iam.refusals import exists_already, invalid_input, no_such_entity, quota_exceeded
from rolecall.services.iam.shown import shown_tags
from rolecall.services.iam.table import operations
from rolecall.services.iam.tags import listed, new_tags, with_tags, without_tags
from rolecall.services.operation import NoParameters, Parameters, Result
from rolecall.store.interface import Snapshot, Transaction

QUOTA = 100
CLIENT_IDS = 100
THUMBPRINTS = 5


class NewProvider(Parameters, frozen=True, kw_only=True):
    """Of CreateOpenIDConnectProvider."""

    url: str
    client_id_list: list[str] | None = None
    thumbprint_list: list[str] | None = None
    tags: list[Tag] | None = None


class OfProvider(Parameters, frozen=True, kw_only=True):
    """Of operations on a provider."""

    open_id_connect_provider_arn: str


class ProviderAndClient(OfProvider, frozen=True, kw_only=True):
    """Of adding and removing an audience."""

    client_id: str


class ProviderAndThumbprints(OfProvider, frozen=True, kw_only=True):
    """Of UpdateOpenIDConnectProviderThumbprint."""

    thumbprint_list: list[str]


class ProviderAndTags(OfProvider, frozen=True, kw_only=True):
    """Of TagOpenIDConnectProvider."""

    tags: list[Tag]


class ProviderAndTagKeys(OfProvider, frozen=True, kw_only=True):
    """Of UntagOpenIDConnectProvider."""

    tag_keys: list[str]


class ProviderTags(OfProvider, frozen=True, kw_only=True):
    """Of ListOpenIDConnectProviderTags."""

    marker: str | None = None
    max_items: int | None = None


def _check(ask: Ask[OfProvider], action: str, keys: Keys | None = None) -> list[Check]:
    arn = ask.parameters.open_id_connect_provider_arn
    found = _find(ask.view, ask.caller.account, arn)
    return [arn_check(ask, action, arn, found.tags if found else {}, keys or {})]


def on_provider(action: str) -> Access[OfProvider]:
    """Declare an operation on a provider."""
    return Access(lambda ask: _check(ask, action))


def _create_check(ask: Ask[NewProvider]) -> list[Check]:
    arn = iam_arn(ask.caller.account, "oidc-provider", "/", _name(ask.parameters.url) or "*")
    return making("CreateOpenIDConnectProvider", "TagOpenIDConnectProvider", arn, ask.parameters.tags)


def _list_check(ask: Ask[Parameters]) -> list[Check]:
    return [Check("iam:ListOpenIDConnectProviders", f"arn:aws:iam::{ask.caller.account}:oidc-provider/*")]


def _tag_check(ask: Ask[ProviderAndTags]) -> list[Check]:
    return _check(ask, "TagOpenIDConnectProvider", tags_in_request(ask.parameters.tags))


def _untag_check(ask: Ask[ProviderAndTagKeys]) -> list[Check]:
    return _check(ask, "UntagOpenIDConnectProvider", tag_keys_in_request(ask.parameters.tag_keys))


CREATE: Access[NewProvider] = Access(_create_check)
LIST: Access[Parameters] = Access(_list_check)
TAG: Access[ProviderAndTags] = Access(_tag_check)
UNTAG: Access[ProviderAndTagKeys] = Access(_untag_check)


_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PATH = re.compile(r"[A-Za-z0-9._~%!$&'()+,;=:@/-]*")
"""What a URL's path may hold, save the star, which policies would take for a pattern."""


def _name(url: str) -> str | None:
    """Return the name of the provider with this issuer URL, or None where it is no URL of an issuer."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    if port is not None or not _HOST.fullmatch(parts.netloc) or not _PATH.fullmatch(parts.path):
        return None
    return parts.netloc + parts.path.rstrip("/")


def _find(view: Snapshot, account: str, arn: str) -> OidcProvider | None:
    """Return the provider with exactly this ARN: under another spelling it would escape what policies say of it."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.account != account:
        return None
    found = oidc_provider(view, account, parsed.resource.partition("/")[2])
    return found if found is not None and found.arn == arn else None


def _the_provider(view: Snapshot, allowed: Allowed, arn: str) -> OidcProvider:
    found = _find(view, allowed.caller.account, arn)
    if found is None:
        raise no_such_entity(f"OpenIDConnect Provider not found for arn {arn}")
    return found


def _clients(ids: list[str]) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(ids))
    if len(once) > CLIENT_IDS:
        raise quota_exceeded("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS)
    return once


def _thumbprints(given: list[str]) -> tuple[str, ...]:
    if len(given) > THUMBPRINTS:
        raise invalid_input(f"Thumbprint list must contain fewer than {THUMBPRINTS} entries.")
    return tuple(given)


@operations.write("CreateOpenIDConnectProvider", NewProvider, CREATE)
def create_provider(allowed: Allowed, parameters: NewProvider, transaction: Transaction) -> Result:
    """Make an issuer known, so that roles can trust its tokens."""
    account = allowed.caller.account
    name = _name(parameters.url)
    if name is None:
        raise ServiceError("ValidationError", "Invalid Open ID Connect Provider URL")
    if OIDC_PROVIDERS.count(transaction, account) >= QUOTA:
        raise quota_exceeded("OpenIdConnectProvidersPerAccount", QUOTA)
    new = OidcProvider(
        account=account,
        name=name,
        created=allowed.now.replace(microsecond=0),
        client_ids=_clients(parameters.client_id_list or []),
        thumbprints=_thumbprints(parameters.thumbprint_list or []),
        tags=new_tags(parameters.tags, fold_keys=False),
    )
    try:
        OIDC_PROVIDERS.add(transaction, new)
    except NameTaken:
        raise exists_already(f"Provider with url {parameters.url} already exists.") from None
    return {"open_id_connect_provider_arn": new.arn, "tags": shown_tags(new.tags) or None}


@operations.read("GetOpenIDConnectProvider", OfProvider, on_provider("GetOpenIDConnectProvider"))
def get_provider(allowed: Allowed, parameters: OfProvider, view: Snapshot) -> Result:
    """Return a provider."""
    found = _the_provider(view, allowed, parameters.open_id_connect_provider_arn)
    return {
        "url": found.name,
        "client_id_list": list(found.client_ids),
        "thumbprint_list": list(found.thumbprints),
        "create_date": found.created,
        "tags": shown_tags(found.tags),
    }


@operations.read("ListOpenIDConnectProviders", NoParameters, LIST)
def list_providers(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """List the account's providers."""
    del parameters
    found = OIDC_PROVIDERS.each(view, allowed.caller.account)
    return {"open_id_connect_provider_list": [{"arn": provider.arn} for provider in found]}


@operations.write("DeleteOpenIDConnectProvider", OfProvider, on_provider("DeleteOpenIDConnectProvider"))
def delete_provider(allowed: Allowed, parameters: OfProvider, transaction: Transaction) -> Result:
    """Forget a provider; forgetting one that is not known is no error."""
    gone = _find(transaction, allowed.caller.account, parameters.open_id_connect_provider_arn)
    if gone is not None:
        OIDC_PROVIDERS.remove(transaction, gone)
    return {}


@operations.write(
    "AddClientIDToOpenIDConnectProvider", ProviderAndClient, on_provider("AddClientIDToOpenIDConnectProvider")
)
def add_client_id(allowed: Allowed, parameters: ProviderAndClient, transaction: Transaction) -> Result:
    """Add an audience; one that is there stays."""
    old = _the_provider(transaction, allowed, parameters.open_id_connect_provider_arn)
    ids = _clients([*old.client_ids, parameters.client_id])
    OIDC_PROVIDERS.replace(transaction, old, msgspec.structs.replace(old, client_ids=ids))
    return {}


@operations.write(
    "RemoveClientIDFromOpenIDConnectProvider",
    ProviderAndClient,
    on_provider("RemoveClientIDFromOpenIDConnectProvider"),
)
def remove_client_id(allowed: Allowed, parameters: ProviderAndClient, transaction: Transaction) -> Result:
    """Remove an audience; one that is not there is no error."""
    old = _the_provider(transaction, allowed, parameters.open_id_connect_provider_arn)
    ids = tuple(known for known in old.client_ids if known != parameters.client_id)
    OIDC_PROVIDERS.replace(transaction, old, msgspec.structs.replace(old, client_ids=ids))
    return {}


@operations.write(
    "UpdateOpenIDConnectProviderThumbprint",
    ProviderAndThumbprints,
    on_provider("UpdateOpenIDConnectProviderThumbprint"),
)
def update_thumbprints(allowed: Allowed, parameters: ProviderAndThumbprints, transaction: Transaction) -> Result:
    """Replace the thumbprints of the issuer's certificates."""
    old = _the_provider(transaction, allowed, parameters.open_id_connect_provider_arn)
    new = msgspec.structs.replace(old, thumbprints=_thumbprints(parameters.thumbprint_list))
    OIDC_PROVIDERS.replace(transaction, old, new)
    return {}


@operations.write("TagOpenIDConnectProvider", ProviderAndTags, TAG)
def tag_provider(allowed: Allowed, parameters: ProviderAndTags, transaction: Transaction) -> Result:
    """Set tags of a provider."""
    old = _the_provider(transaction, allowed, parameters.open_id_connect_provider_arn)
    new = msgspec.structs.replace(old, tags=with_tags(old.tags, parameters.tags, fold_keys=False))
    OIDC_PROVIDERS.replace(transaction, old, new)
    return {}


@operations.write("UntagOpenIDConnectProvider", ProviderAndTagKeys, UNTAG)
def untag_provider(allowed: Allowed, parameters: ProviderAndTagKeys, transaction: Transaction) -> Result:
    """Take tags off a provider."""
    old = _the_provider(transaction, allowed, parameters.open_id_connect_provider_arn)
    new = msgspec.structs.replace(old, tags=without_tags(old.tags, parameters.tag_keys, fold_keys=False))
    OIDC_PROVIDERS.replace(transaction, old, new)
    return {}


@operations.read("ListOpenIDConnectProviderTags", ProviderTags, on_provider("ListOpenIDConnectProviderTags"))
def list_provider_tags(allowed: Allowed, parameters: ProviderTags, view: Snapshot) -> Result:
    """List the tags of a provider."""
    found = _the_provider(view, allowed, parameters.open_id_connect_provider_arn)
    return listed(found.tags, parameters)


operations.unbuilt("UpdateOpenIDConnectProvider", OfProvider, on_provider("UpdateOpenIDConnectProvider"))
