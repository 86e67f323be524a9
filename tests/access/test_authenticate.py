"""Who sent a request: keys, tokens and signatures, and AWS's words where they do not hold."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from tests.access.world import ACCOUNT, START, World, trusting
from tests.sigv4.signer import EMPTY, Sent, Signer

from rolecall.access.authenticate import NOBODY, Authenticated, KnownCredentials, authenticate
from rolecall.access.credentials import overlaid
from rolecall.directory import credentials, principals, sessions
from rolecall.directory.sessions import Session, SessionKind
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.sigv4.signature import Scheme

SECRET = "secret" * 6
INVALID = "The security token included in the request is invalid."
NO_KEY = "The AWS Access Key Id you provided does not exist in our records."
BAD_TOKEN = "The provided token is malformed or otherwise invalid."
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


@pytest.fixture
def alice(world: World) -> Client:
    return Client(world, world.user("alice", path="/team/", tags={"team": "blue", "Cost": "1"}).access_key_id)


@pytest.fixture
def root(world: World) -> Client:
    return Client(world, world.root.access_key_id)


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


class TestWhoItIs:
    def test_a_user(self, world: World, alice: Client) -> None:
        for service in ("s3", "iam"):
            found = enter(world, alice.sent(service), service)
            principal = found.caller.principal
            assert principal.kind is PrincipalKind.USER
            assert principal.arn == f"arn:aws:iam::{ACCOUNT}:user/team/alice"
            assert principal.unique_id == world.user_id("alice")
            assert principal.canonical_id == ACCOUNT.zfill(64)
            assert found.caller.user is not None
            assert found.caller.key is not None
            assert found.caller.session is None
            assert found.caller.tags == {"team": "blue", "Cost": "1"}
            assert found.facts.scheme is Scheme.HEADER
            assert found.facts.region == "us-east-1"
            assert found.facts.moment == START

    def test_root(self, world: World, root: Client) -> None:
        caller = enter(world, root.sent()).caller
        assert caller.principal.kind is PrincipalKind.ROOT
        assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:root"
        assert caller.user is None

    def test_a_role_session(self, world: World) -> None:
        role = world.role("reader", trusting("*"), path="/app/", tags={"Team": "red", "stage": "test"})
        client = opened(world, SessionKind.ROLE, role.role_id, session_tags={"team": "blue"})
        caller = enter(world, client.sent()).caller
        principal = caller.principal
        assert principal.kind is PrincipalKind.ROLE_SESSION
        assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/work"
        assert principal.unique_id == f"{role.role_id}:work"
        assert (principal.owner_arn, principal.owner_id) == (role.arn, role.role_id)
        assert caller.role == role
        assert caller.session is not None
        assert caller.tags == {"stage": "test", "team": "blue"}

    def test_a_user_with_a_session_token_stays_the_user(self, world: World, alice: Client) -> None:
        user_id = world.user_id("alice")
        caller = enter(world, opened(world, SessionKind.SESSION_TOKEN, user_id).sent("sts"), "sts").caller
        assert caller.principal.kind is PrincipalKind.USER
        assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/team/alice"
        assert caller.principal.unique_id == user_id
        assert caller.session is not None
        assert caller.user is not None

    def test_root_with_a_session_token_stays_root(self, world: World) -> None:
        caller = enter(world, opened(world, SessionKind.SESSION_TOKEN, "").sent()).caller
        assert caller.principal.kind is PrincipalKind.ROOT
        assert caller.session is not None

    def test_a_federated_user(self, world: World, alice: Client) -> None:
        user_id = world.user_id("alice")
        client = opened(world, SessionKind.FEDERATION, user_id, name="guest", session_tags={"TEAM": "green"})
        caller = enter(world, client.sent()).caller
        principal = caller.principal
        assert principal.kind is PrincipalKind.FEDERATED_USER
        assert principal.arn == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
        assert principal.unique_id == f"{ACCOUNT}:guest"
        assert (principal.owner_arn, principal.owner_id) == (f"arn:aws:iam::{ACCOUNT}:user/team/alice", user_id)
        assert caller.user is not None
        assert caller.tags == {"Cost": "1", "TEAM": "green"}

    def test_nobody(self, world: World) -> None:
        found = enter(world, Sent("GET", "/bucket/key", "", (("host", "h"),)))
        assert found.caller is NOBODY
        assert found.caller.is_anonymous
        assert found.facts.scheme is None

    def test_a_presigned_request(self, world: World, alice: Client) -> None:
        found = enter(world, alice.signer().presign("GET", "/bucket/key"))
        assert found.caller.user is not None
        assert found.facts.scheme is Scheme.QUERY
        assert not found.facts.payload, "what the key s3:x-amz-content-sha256 holds is the header alone"


def test_tags_are_overlaid_without_regard_to_case() -> None:
    assert overlaid({"Team": "a", "x": "1"}, {"team": "b"}) == {"x": "1", "team": "b"}


def test_no_tag_hides_another_that_policies_know_by_another_name() -> None:
    """`acce\u017f\u017f` is `access` to a wide folding, but no condition key is: a passed tag took the role's own away."""
    tags = {"access": "low", "stra\u00dfe": "1"}
    assert overlaid(tags, {"acce\u017f\u017f": "x", "strasse": "2"}).items() >= tags.items()


class TestKeysThatDoNotCount:
    def expect(self, world: World, client: Client) -> None:
        found = refused(world, client.sent())
        assert (found.code, found.status, found.message) == ("InvalidAccessKeyId", 403, NO_KEY)
        assert found.fields == {"AWSAccessKeyId": client.access_key_id}
        for service in ("iam", "sts"):
            found = refused(world, client.sent(service), service)
            assert (found.code, found.status, found.message) == ("InvalidClientTokenId", 403, INVALID)

    def test_an_unknown_key(self, world: World) -> None:
        self.expect(world, Client(world, "AKIAUNKNOWN234567ABC"))

    def test_an_inactive_key_at_once(self, world: World, alice: Client) -> None:
        enter(world, alice.sent())
        key = self._key(world, alice)
        world.change(lambda transaction: credentials.set_status(transaction, key, "Inactive"))
        self.expect(world, alice)
        world.change(lambda transaction: credentials.set_status(transaction, key, "Active"))
        enter(world, alice.sent())

    def test_a_deleted_key_at_once(self, world: World, alice: Client) -> None:
        enter(world, alice.sent())
        key = self._key(world, alice)
        world.change(lambda transaction: credentials.delete_access_key(transaction, key))
        self.expect(world, alice)

    def test_a_key_whose_user_is_gone(self, world: World, alice: Client) -> None:
        enter(world, alice.sent())
        with world.store.view() as view:
            user = principals.user_named(view, ACCOUNT, "alice")
        assert user is not None
        world.change(lambda transaction: principals.USERS.remove(transaction, user))
        self.expect(world, alice)

    def test_a_key_without_a_secret_verifies_nothing(self, world: World, alice: Client) -> None:
        """minio 4c71f1b4e: no stored key meant accepted."""
        secret_key = credentials.pack("access-key-secret", alice.access_key_id)
        for change in (
            lambda transaction: transaction.put_secret(secret_key, b""),
            lambda transaction: transaction.delete(secret_key),
        ):
            world.change(change)
            world.change(lambda transaction: transaction.advance_watermark())
            self.expect(world, replace(alice, secret=""))
            self.expect(world, replace(alice, secret="None"))

    def test_a_temporary_key_without_its_token(self, world: World, alice: Client) -> None:
        client = opened(world, SessionKind.SESSION_TOKEN, world.user_id("alice"))
        self.expect(world, replace(client, token=None))

    def _key(self, world: World, client: Client) -> credentials.AccessKey:
        with world.store.view() as view:
            key = credentials.access_key(view, client.access_key_id)
        assert key is not None
        return key


class TestTokens:
    def expect(self, world: World, client: Client) -> None:
        found = refused(world, client.sent())
        assert (found.code, found.status, found.message) == ("InvalidToken", 400, BAD_TOKEN)
        assert found.fields == {"Token-0": client.token}
        for service in ("iam", "sts"):
            found = refused(world, client.sent(service), service)
            assert (found.code, found.status, found.message) == ("InvalidClientTokenId", 403, INVALID)

    @pytest.fixture
    def session(self, world: World) -> Client:
        role = world.role("reader", trusting("*"))
        return opened(world, SessionKind.ROLE, role.role_id)

    @pytest.mark.parametrize("token", ["", "garbage", "x" * 5000, base64.b64encode(b"\x01" + bytes(100)).decode()])
    def test_any_token_that_is_present_must_verify(self, world: World, alice: Client, root: Client, token: str) -> None:
        """minio/minio#13335: a root request with an invalid security token was accepted."""
        for client in (alice, root):
            self.expect(world, replace(client, token=token))

    def test_a_token_is_none_of_a_long_term_key(self, world: World, alice: Client, session: Client) -> None:
        self.expect(world, replace(alice, token=session.token))

    def test_a_token_of_another_session(self, world: World, session: Client) -> None:
        with world.store.view() as view:
            role = principals.role_named(view, ACCOUNT, "reader")
        assert role is not None
        other = opened(world, SessionKind.ROLE, role.role_id)
        self.expect(world, replace(session, token=other.token))

    def test_a_token_changed_anywhere(self, world: World, session: Client) -> None:
        """GHSA-ccrv-v8v9-ch9q: a principal signed its own session token."""
        sealed = bytearray(base64.b64decode(session.token or ""))
        for position in range(0, len(sealed), 7):
            changed = bytes(sealed[:position]) + bytes([sealed[position] ^ 1]) + bytes(sealed[position + 1 :])
            self.expect(world, replace(session, token=base64.b64encode(changed).decode()))

    def test_a_token_of_another_server(self, world: World, session: Client) -> None:
        """GHSA-m77q-r63m-pj89: session keys came from a secret that others knew."""
        world.change(lambda transaction: sessions.replace_session_keys(transaction, START))
        self.expect(world, session)

    def test_a_token_opens_while_its_key_is_kept(self, world: World, session: Client) -> None:
        world.change(lambda transaction: sessions.rotate(transaction, START + timedelta(minutes=1)))
        enter(world, session.sent())

    def test_a_revoked_session_at_once(self, world: World, session: Client) -> None:
        caller = enter(world, session.sent()).caller
        assert caller.session is not None
        session_id, until = caller.session.session_id, caller.session.expires
        world.change(lambda transaction: sessions.revoke(transaction, session_id, until))
        self.expect(world, session)

    def test_the_secret_of_a_session_is_its_own(self, world: World, session: Client) -> None:
        for secret in (SECRET, "", session.secret[:-1] + "x"):
            assert refused(world, replace(session, secret=secret).sent()).code == "SignatureDoesNotMatch"

    def test_a_session_ends(self, world: World, session: Client) -> None:
        """GHSA-ccrv-v8v9-ch9q: the end of a session was not asked for."""
        world.wait(minutes=59, seconds=59)
        enter(world, session.sent())
        world.wait(seconds=1)
        found = refused(world, session.sent())
        assert (found.code, found.status, found.message) == ("ExpiredToken", 400, "The provided token has expired.")
        found = refused(world, session.sent("sts"), "sts")
        assert (found.code, found.status) == ("ExpiredToken", 403)
        assert found.message == "The security token included in the request is expired"

    def test_a_presigned_request_ends_with_its_session(self, world: World, session: Client) -> None:
        """OpenStack bug 1872737: a signed request that never expired."""
        sent = session.signer().presign("GET", "/bucket/key", expires=7200)
        enter(world, sent)
        world.wait(minutes=61)
        assert refused(world, sent).code == "ExpiredToken"

    def test_a_session_dies_with_its_role(self, world: World, session: Client) -> None:
        enter(world, session.sent())
        with world.store.view() as view:
            role = principals.role_named(view, ACCOUNT, "reader")
        assert role is not None
        world.change(lambda transaction: principals.ROLES.remove(transaction, role))
        assert refused(world, session.sent()).code == "InvalidAccessKeyId"
        assert refused(world, session.sent("sts"), "sts").code == "InvalidClientTokenId"

    def test_a_new_role_of_the_same_name_is_another_role(self, world: World, session: Client) -> None:
        with world.store.view() as view:
            role = principals.role_named(view, ACCOUNT, "reader")
        assert role is not None
        world.change(lambda transaction: principals.ROLES.remove(transaction, role))
        world.role("reader", trusting("*"))
        assert refused(world, session.sent()).code == "InvalidAccessKeyId"

    def test_a_session_follows_its_users_new_name_and_tags(self, world: World, alice: Client) -> None:
        client = opened(world, SessionKind.SESSION_TOKEN, world.user_id("alice"))
        enter(world, client.sent())
        with world.store.view() as view:
            user = principals.user_named(view, ACCOUNT, "alice")
        assert user is not None
        renamed = principals.User(
            user_id=user.user_id, account=ACCOUNT, name="alicia", created=START, tags={"team": "red"}
        )
        world.change(lambda transaction: principals.USERS.replace(transaction, user, renamed))
        caller = enter(world, client.sent()).caller
        assert caller.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/alicia"
        assert caller.tags == {"team": "red"}


class TestWordsOfS3:
    def test_a_wrong_signature(self, world: World, alice: Client) -> None:
        found = refused(world, alice.sent().tampered())
        assert (found.code, found.status) == ("SignatureDoesNotMatch", 403)
        assert found.message == (
            "The request signature we calculated does not match the signature you provided. Check your key and signing"
            " method."
        )
        fields = found.fields
        assert fields["AWSAccessKeyId"] == alice.access_key_id
        assert fields["StringToSign"].startswith(
            "AWS4-HMAC-SHA256\n20261124T120000Z\n20261124/us-east-1/s3/aws4_request\n"
        )
        assert bytes.fromhex(fields["StringToSignBytes"]) == fields["StringToSign"].encode()
        assert fields["CanonicalRequest"].startswith("GET\n/bucket/key\n\nhost:")
        assert bytes.fromhex(fields["CanonicalRequestBytes"]) == fields["CanonicalRequest"].encode()
        assert fields["CanonicalRequestBytes"][:8] == "47 45 54"[:8]
        assert len(fields["SignatureProvided"]) == 64

    def test_a_wrong_clock(self, world: World, alice: Client) -> None:
        sent = alice.sent()
        world.wait(minutes=16)
        found = refused(world, sent)
        assert (found.code, found.status) == ("RequestTimeTooSkewed", 403)
        assert found.message == "The difference between the request time and the current time is too large."
        assert found.fields == {
            "RequestTime": "20261124T120000Z",
            "ServerTime": "2026-11-24T12:16:00Z",
            "MaxAllowedSkewMilliseconds": "900000",
        }

    def test_an_expired_presigned_request(self, world: World, alice: Client) -> None:
        sent = alice.signer().presign("GET", "/bucket/key", expires=60)
        world.wait(seconds=61)
        found = refused(world, sent)
        assert (found.code, found.status, found.message) == ("AccessDenied", 403, "Request has expired")
        assert found.fields == {
            "X-Amz-Expires": "60",
            "Expires": "2026-11-24T12:01:00Z",
            "ServerTime": "2026-11-24T12:01:01Z",
        }

    def test_a_presigned_request_before_its_time(self, world: World, alice: Client) -> None:
        sent = alice.signer(now=START + timedelta(hours=1)).presign("GET", "/bucket/key")
        found = refused(world, sent)
        assert (found.code, found.status, found.message) == ("AccessDenied", 403, "Request is not yet valid")

    @pytest.mark.parametrize(
        ("change", "code", "status", "message"),
        [
            (
                lambda s: s.with_header("x-amz-acl", "private"),
                "AccessDenied",
                403,
                "There were headers present in the request which were not signed",
            ),
            (
                lambda s: s.with_header("authorization", "AWS AKIA:sig="),
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            (
                lambda s: s.with_header("authorization", "AWS4-ECDSA-P256-SHA256 Credential=a"),
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            (
                lambda s: s.with_header("authorization", "Bearer x"),
                "InvalidArgument",
                400,
                "Unsupported Authorization Type",
            ),
            (lambda s: s.with_header("authorization", ""), "AccessDenied", 403, "Access Denied"),
            (
                lambda s: s.with_header("authorization", "AWS4-HMAC-SHA256 Credential=a"),
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
            (
                lambda s: s.with_header(
                    "authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0"
                ),
                "AuthorizationHeaderMalformed",
                400,
                'The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
            ),
            (
                lambda s: s.with_header("x-amz-date", "today"),
                "AccessDenied",
                403,
                "AWS authentication requires a valid Date or x-amz-date header",
            ),
            (
                lambda s: s.with_header("x-amz-content-sha256", None),
                "InvalidRequest",
                400,
                "Missing required header for this request: x-amz-content-sha256",
            ),
            (
                lambda s: replace(s, query="X-Amz-Signature=0"),
                "InvalidArgument",
                400,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
            ),
            (
                lambda s: replace(s, query="x-amz-date=0").with_header("authorization", None),
                "AuthorizationQueryParametersError",
                400,
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            ),
            (
                lambda s: replace(s, query="Signature=0&AWSAccessKeyId=1&Expires=2").with_header("authorization", None),
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
        ],
    )
    def test_a_signature_that_cannot_be_read(
        self, world: World, alice: Client, change: Callable[[Sent], Sent], code: str, status: int, message: str
    ) -> None:
        found = refused(world, change(alice.sent()))
        assert (found.code, found.status, found.message) == (code, status, message)

    def test_headers_that_were_not_signed_are_named(self, world: World, alice: Client) -> None:
        sent = alice.sent().with_header("x-amz-tagging", "a=b").with_header("x-amz-acl", "private")
        assert refused(world, sent).fields == {"HeadersNotSigned": "x-amz-acl, x-amz-tagging"}

    @pytest.mark.parametrize("by", ["send", "presign"])
    def test_a_wrong_scope(self, world: World, alice: Client, by: str) -> None:
        def found(pinned: str | None = None, **change: str) -> ServiceError:
            signer = replace(alice.signer(), **change)
            sent = getattr(signer, by)("GET", "/bucket/key", headers={"x-amz-content-sha256": EMPTY})
            return refused(world, sent, region=pinned)

        code, head = {
            "send": ("AuthorizationHeaderMalformed", "The authorization header is malformed; "),
            "presign": ("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "),
        }[by]
        region = found("us-east-1", region="eu-west-1")
        assert (region.code, region.status) == (code, 400)
        assert region.message == f"{head}the region 'eu-west-1' is wrong; expecting 'us-east-1'"
        assert region.fields == {"Region": "us-east-1"}
        service = found(service="iam")
        assert (service.code, service.status) == (code, 400)
        assert service.message == f'{head}incorrect service "iam". This endpoint belongs to "s3".'

    @pytest.mark.parametrize(
        ("expires", "message"),
        [
            (
                "604801",
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
            ),
            ("-1", "X-Amz-Expires must be non-negative"),
            ("soon", "X-Amz-Expires should be a number"),
        ],
    )
    def test_a_lifetime_that_cannot_be(self, world: World, alice: Client, expires: str, message: str) -> None:
        found = refused(world, alice.signer().presign("GET", "/bucket/key", expires=expires))
        assert (found.code, found.status, found.message) == ("AuthorizationQueryParametersError", 400, message)


class TestWordsOfIamAndSts:
    def expect(self, found: ServiceError, code: str, status: int, message: str) -> None:
        assert (found.code, found.status, found.message) == (code, status, message)

    @pytest.mark.parametrize("service", ["iam", "sts"])
    def test_a_wrong_signature(self, world: World, alice: Client, service: str) -> None:
        self.expect(
            refused(world, alice.sent(service).tampered(), service),
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
            " Key and signing method. Consult the service documentation for details.",
        )

    def test_the_body_is_signed(self, world: World, alice: Client) -> None:
        sent = alice.sent("sts")
        other = replace(sent, body=sent.body.replace(b"GetCallerIdentity", b"GetSessionToken"))
        assert refused(world, other, "sts").code == "SignatureDoesNotMatch"
        named = other.with_header("x-amz-content-sha256", hashlib.sha256(sent.body).hexdigest())
        assert refused(world, named, "sts").code == "SignatureDoesNotMatch"

    @pytest.mark.parametrize("value", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
    def test_no_header_makes_the_body_unsigned(self, world: World, alice: Client, value: str) -> None:
        """CVE-2026-40344: values of x-amz-content-sha256 that led past the signature."""
        body = b"Action=GetCallerIdentity&Version=2011-06-15"
        sent = alice.signer("sts").send("POST", "/", (), {**FORM, "x-amz-content-sha256": value}, body)
        assert refused(world, sent, "sts").code == "SignatureDoesNotMatch"

    def test_too_old_and_too_new(self, world: World, alice: Client) -> None:
        sent = alice.sent("sts")
        world.wait(minutes=16)
        self.expect(
            refused(world, sent, "sts"),
            "SignatureDoesNotMatch",
            403,
            "Signature expired: 20261124T120000Z is now earlier than 20261124T120100Z (20261124T121600Z - 15 min.)",
        )
        world.wait(minutes=-32)
        self.expect(
            refused(world, sent, "sts"),
            "SignatureDoesNotMatch",
            403,
            "Signature not yet current: 20261124T120000Z is still later than 20261124T115900Z"
            " (20261124T114400Z + 15 min.)",
        )

    def test_an_expired_presigned_identity(self, world: World, alice: Client) -> None:
        query = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
        sent = alice.signer("sts").presign("GET", "/", query, expires=60)
        assert enter(world, sent, "sts").caller.user is not None
        world.wait(seconds=61)
        self.expect(
            refused(world, sent, "sts"),
            "SignatureDoesNotMatch",
            403,
            "Signature expired: 20261124T120000Z is now earlier than 20261124T120001Z (20261124T120101Z - 1 min.)",
        )

    @pytest.mark.parametrize(
        ("scope", "message"),
        [
            ({"service": "s3"}, "Credential should be scoped to correct service: 'iam'."),
            ({"region": "mars"}, "Credential should be scoped to a valid region. "),
        ],
    )
    def test_a_wrong_scope(self, world: World, alice: Client, scope: dict[str, str], message: str) -> None:
        sent = replace(alice.signer("iam"), **scope).send("POST", "/", (), FORM, b"Action=ListUsers")
        self.expect(refused(world, sent, "iam", region="us-east-1"), "SignatureDoesNotMatch", 403, message)

    @pytest.mark.parametrize(
        ("change", "code", "status", "message"),
        [
            (
                lambda s: s.with_header("x-amz-date", "today"),
                "IncompleteSignature",
                400,
                "Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601",
            ),
            (
                lambda s: s.with_header("x-amz-thing", "x"),
                "SignatureDoesNotMatch",
                403,
                "'x-amz-thing' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            (
                lambda s: s.with_header("authorization", s.header("authorization").replace("host;", "")),
                "SignatureDoesNotMatch",
                403,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            (
                lambda s: s.with_header("authorization", s.header("authorization").replace("/aws4_request", "/x")),
                "SignatureDoesNotMatch",
                403,
                "Credential should be scoped with a valid terminator: 'aws4_request'.",
            ),
            (
                lambda s: s.with_header("authorization", s.header("authorization").replace("/20261124/", "/20261123/")),
                "SignatureDoesNotMatch",
                403,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
            ),
            (
                lambda s: s.with_header(
                    "authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"
                ),
                "IncompleteSignature",
                400,
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
            ),
            (
                lambda s: s.with_header("authorization", ""),
                "MissingAuthenticationToken",
                403,
                "Request is missing Authentication Token",
            ),
            (
                lambda s: s.with_header("authorization", None).with_header("x-amz-security-token", "t"),
                "MissingAuthenticationToken",
                403,
                "Request is missing Authentication Token",
            ),
            (
                lambda s: replace(
                    s,
                    query="X-Amz-Date=1&X-Amz-Signature=1&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Algorithm=AWS4-HMAC-SHA256",
                ).with_header("authorization", None),
                "IncompleteSignature",
                400,
                "AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters.",
            ),
        ],
    )
    def test_a_signature_that_cannot_be_read(
        self, world: World, alice: Client, change: Callable[[Sent], Sent], code: str, status: int, message: str
    ) -> None:
        self.expect(refused(world, change(alice.sent("iam")), "iam"), code, status, message)

    def test_the_parts_that_the_header_lacks_are_named(self, world: World, alice: Client) -> None:
        value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host"
        digest = base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
        self.expect(
            refused(world, alice.sent("iam").with_header("authorization", value), "iam"),
            "IncompleteSignature",
            400,
            "Authorization header requires 'Signature' parameter. (Hashed with SHA-256 and encoded with Base64)"
            f" Authorization={digest}",
        )
        sent = alice.sent("iam").with_header("x-amz-date", None)
        digest = base64.b64encode(hashlib.sha256(sent.header("authorization").encode()).digest()).decode()
        self.expect(
            refused(world, sent, "iam"),
            "IncompleteSignature",
            400,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256"
            f" and encoded with Base64) Authorization={digest}",
        )

    def test_services_that_speak_json_name_their_own_codes(self, world: World, alice: Client) -> None:
        sent = alice.sent("cloudtrail")
        enter(world, sent, "cloudtrail")
        found = refused(world, sent.tampered(), "cloudtrail")
        assert (found.code, found.status) == ("InvalidSignatureException", 400)
        found = refused(world, replace(alice, access_key_id="AKIAUNKNOWN234567ABC").sent("cloudtrail"), "cloudtrail")
        assert (found.code, found.status) == ("UnrecognizedClientException", 400)


def test_a_key_is_looked_for_before_its_signature_is_judged(world: World, alice: Client) -> None:
    sent = replace(alice, access_key_id="AKIAUNKNOWN234567ABC").sent().tampered()
    assert refused(world, sent).code == "InvalidAccessKeyId"


def test_what_is_remembered_is_forgotten_with_the_next_change(world: World, alice: Client) -> None:
    known = KnownCredentials()
    with world.store.view() as view:
        first = known.find(view, alice.access_key_id, None, START)
        assert known.find(view, alice.access_key_id, None, START) is first
    world.user("bob")
    with world.store.view() as view:
        assert known.find(view, alice.access_key_id, None, START) is not first


def test_client_text_in_a_refusal_is_text(world: World, alice: Client) -> None:
    """What is no character must not reach an answer's encoder: it would turn a refusal into a failure."""
    sent = replace(alice.signer().presign("GET", "/bucket/key"), query="")
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%FF%FE/20261124/x/s3/aws4_request&X-Amz-Signature=%ED%A0%80"
    )
    query += "&X-Amz-Date=20261124T120000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=60"
    found = refused(world, replace(sent, query=query))
    assert found.code == "InvalidAccessKeyId"
    for text in (found.message, *found.fields.values()):
        text.encode()
