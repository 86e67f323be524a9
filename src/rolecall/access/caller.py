"""Who is calling, proved: what authentication found out, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from rolecall.directory.credentials import AccessKey
from rolecall.directory.principals import Role, User
from rolecall.directory.sessions import Session
from rolecall.policy.request import ANONYMOUS, Principal
from rolecall.sigv4.signature import Scheme


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """An authenticated caller, or the anonymous one; compared by identity, since what follows from it is kept by it.

    `key` is set for long-term access keys, `session` for temporary ones. `user` is the user whose rights count (also
    behind a GetSessionToken or GetFederationToken session), `role` the role of a role session; both are None for root.
    """

    principal: Principal
    account: str
    """The caller's account id; empty for the anonymous caller."""
    access_key_id: str = ""
    key: AccessKey | None = None
    session: Session | None = None
    user: User | None = None
    role: Role | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """The principal's tags: a user's, or a session's (the role's overlaid by the session's)."""

    @property
    def is_anonymous(self) -> bool:
        """Whether the request was not signed."""
        return self.principal is ANONYMOUS


class SignatureFacts(msgspec.Struct, frozen=True):
    """What later stages may know of how the request was signed."""

    scheme: Scheme | None = None
    """None: unsigned."""
    region: str = ""
    """The region of the credential scope, as signed."""
    moment: datetime | None = None
    """When the request says it was signed."""
    payload: str = ""
    """`x-amz-content-sha256` as sent, empty when absent."""
