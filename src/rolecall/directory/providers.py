"""OpenID Connect providers: issuers whose tokens roles may trust."""

from __future__ import annotations

from datetime import datetime

import msgspec

from rolecall.directory.records import Kind
from rolecall.identifiers import iam_arn
from rolecall.store.interface import Snapshot


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer and the audiences that its tokens may be for."""

    account: str
    name: str
    """The issuer's URL without its scheme: `token.actions.githubusercontent.com`, `host/path`."""
    created: datetime
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: dict[str, str] = {}

    @property
    def path(self) -> str:
        """Providers have no path of their own."""
        return "/"

    @property
    def unique_id(self) -> str:
        """A provider has no id but its name, which never changes."""
        return self.name

    @property
    def arn(self) -> str:
        """The provider's ARN."""
        return iam_arn(self.account, "oidc-provider", "/", self.name)


OIDC_PROVIDERS = Kind("oidc-provider", OidcProvider)


def oidc_provider(view: Snapshot, account: str, name: str) -> OidcProvider | None:
    """Return the provider with exactly this name, or None."""
    return OIDC_PROVIDERS.get(view, account, name)
