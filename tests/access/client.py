"""A client that signs what it sends, and what authenticating that comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from tests.access.world import ACCOUNT, World
from tests.sigv4.signer import Sent, Signer

from rolecall.access.authenticate import Authenticated, authenticate
from rolecall.directory import sessions
from rolecall.directory.sessions import Session, SessionKind
from rolecall.message import ServiceError

SECRET = "secret" * 6
INVALID = "The security token included in the request is invalid."
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Client:
    """Someone with credentials."""

    world: World
    access_key_id: str
    secret: str = SECRET
    token: str | None = None

    def signer(self, service: str = "s3", now: datetime | None = None) -> Signer:
        return Signer(self.access_key_id, self.secret, now or self.world.clock.now(), self.token, service)

    def sent(self, service: str = "s3") -> Sent:
        if service == "s3":
            return self.signer().send("GET", "/bucket/key")
        return self.signer(service).send("POST", "/", (), FORM, b"Action=GetCallerIdentity&Version=2011-06-15")


def enter(world: World, sent: Sent, service: str = "s3", region: str | None = None) -> Authenticated:
    body = None if service == "s3" else sent.body
    with world.store.view() as view:
        now = world.clock.now()
        return authenticate(
            sent.request(), service=service, body=body, view=view, now=now, known=world.known, region=region
        )


def refused(world: World, sent: Sent, service: str = "s3", region: str | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        enter(world, sent, service, region)
    return caught.value


def opened(world: World, kind: SessionKind, owner_id: str, **more: object) -> Client:
    """Return temporary credentials of a session."""
    session_id, access_key_id = sessions.draw_session_id(ACCOUNT)
    now = world.clock.now()
    session = Session(
        kind=kind,
        account=ACCOUNT,
        owner_id=owner_id,
        session_id=session_id,
        access_key_id=access_key_id,
        issued=now,
        expires=now + timedelta(hours=1),
        name=str(more.pop("name", "work")),
        **more,  # type: ignore[arg-type]
    )
    with world.store.view() as view:
        issued = sessions.issue(sessions.session_keys(view), session)
    return Client(world, issued.access_key_id, issued.secret, issued.token)
