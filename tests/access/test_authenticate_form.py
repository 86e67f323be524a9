"""Upload forms: who sent one, and AWS's words where it does not hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.access.client import SECRET, Client, opened
from tests.access.world import World, trusting

from rolecall.access.authenticate import NOBODY, FormAuthenticated, authenticate_form
from rolecall.directory.sessions import SessionKind
from rolecall.message import ServiceError
from rolecall.policy.request import PrincipalKind
from rolecall.sigv4.signature import Scheme

END = "2026-11-24T13:00:00Z"
CONDITIONS: list[object] = [
    {"bucket": "uploads"},
    ["starts-with", "$key", "user/alice/"],
    ["content-length-range", 1, 9],
]


@pytest.fixture
def alice(world: World) -> Client:
    return Client(world, world.user("alice").access_key_id)


def form(client: Client, conditions: list[object] | None = None, **fields: str) -> dict[str, str]:
    made = client.signer().form(CONDITIONS if conditions is None else conditions, END, {"key": "user/alice/a"})
    return {**made, **fields}


def enter(
    world: World, fields: dict[str, str], bucket: str = "uploads", region: str | None = None
) -> FormAuthenticated:
    with world.store.view() as view:
        now = world.clock.now()
        return authenticate_form(fields, bucket=bucket, view=view, now=now, known=world.known, region=region)


def refused(world: World, fields: dict[str, str], bucket: str = "uploads", region: str | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        enter(world, fields, bucket, region)
    return caught.value


def test_a_user_and_what_the_file_may_be(world: World, alice: Client) -> None:
    found = enter(world, form(alice))
    assert found.caller.user is not None
    assert found.facts.scheme is Scheme.FORM
    assert found.policy is not None
    assert (found.policy.shortest, found.policy.longest) == (1, 9)


def test_a_form_may_be_a_sessions_until_it_is_over(world: World) -> None:
    role = world.role("uploader", trusting("*"))
    client = opened(world, SessionKind.ROLE, role.role_id)
    assert enter(world, form(client)).caller.principal.kind is PrincipalKind.ROLE_SESSION
    world.wait(hours=2)
    assert refused(world, form(client)).code == "ExpiredToken"


def test_an_unsigned_form_is_nobodys(world: World) -> None:
    found = enter(world, {"key": "a"})
    assert found.caller is NOBODY
    assert found.policy is None


def test_a_token_that_does_not_open_is_refused(world: World, alice: Client) -> None:
    """minio/minio#13335: an invalid security token was accepted."""
    assert refused(world, form(replace(alice, token="garbage"))).code == "InvalidToken"
    assert refused(world, {"key": "a", "x-amz-security-token": "t"}).code == "AccessDenied"


def test_a_key_without_a_signature_of_its_own(world: World, alice: Client) -> None:
    unknown = refused(world, form(replace(alice, access_key_id="AKIAUNKNOWN234567ABC")))
    assert (unknown.code, unknown.status) == ("InvalidAccessKeyId", 403)
    wrong = refused(world, form(replace(alice, secret=SECRET + "x")))
    assert (wrong.code, wrong.status) == ("SignatureDoesNotMatch", 403)
    assert wrong.fields["StringToSign"] == form(alice)["policy"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "user/bob/a"}, 'Policy Condition failed: ["starts-with", "$key", "user/alice/"]'),
        ({"acl": "public-read"}, "Extra input fields: acl"),
    ],
)
def test_a_form_that_does_not_keep_to_its_policy(
    world: World, alice: Client, change: dict[str, str], message: str
) -> None:
    """GHSA-w5fh-f8xh-5x3p: conditions of upload forms were not enforced."""
    # The fields the policy names by value are broken on purpose, after signing.
    conditions: list[object] = [{"bucket": "uploads"}, ["starts-with", "$key", "user/alice/"]]
    own = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": alice.signer().credential,
        "x-amz-date": alice.signer().amz_date,
    }
    document = {"expiration": END, "conditions": [*conditions, *({name: value} for name, value in own.items())]}
    signed = alice.signer().sign_policy(_json(document), {"key": "user/alice/a", **own})
    enter(world, signed)
    found = refused(world, {**signed, **change})
    assert (found.code, found.status, found.message) == ("AccessDenied", 403, f"Invalid according to Policy: {message}")


def test_a_form_of_another_bucket(world: World, alice: Client) -> None:
    """CVE-2023-43040: a form field named the bucket that the policy was checked against."""
    for fields in (form(alice), form(alice, bucket="uploads")):
        found = refused(world, fields, bucket="secrets")
        assert found.message == 'Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "uploads"]'


def test_a_policy_that_is_over(world: World, alice: Client) -> None:
    fields = form(alice)
    world.wait(hours=1)
    found = refused(world, fields)
    assert (found.code, found.status, found.message) == (
        "AccessDenied",
        403,
        "Invalid according to Policy: Policy expired.",
    )


def test_a_form_that_lacks_a_field(world: World, alice: Client) -> None:
    fields = form(alice)
    del fields["x-amz-signature"]
    found = refused(world, fields)
    assert (found.code, found.status) == ("InvalidArgument", 400)
    assert found.message == (
        "Bucket POST must contain a field named 'X-Amz-Signature'.  If it is specified, please check the order of the"
        " fields."
    )
    assert found.fields["ArgumentName"] == "X-Amz-Signature"


def test_a_policy_that_cannot_be_read(world: World, alice: Client) -> None:
    signer = alice.signer()
    own = {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": signer.credential, "x-amz-date": signer.amz_date}
    document = _json({"expiration": END, "conditions": [{}]})
    found = refused(world, signer.sign_policy(document, own))
    assert (found.code, found.status) == ("InvalidPolicyDocument", 400)
    assert found.message == (
        "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"awsaccesskeyid": "AKIA", "signature": "x"}, "InvalidRequest"),
        ({"x-amz-algorithm": "AWS4-ECDSA-P256-SHA256"}, "InvalidRequest"),
        ({"x-amz-credential": "a/b"}, "InvalidArgument"),
        ({"x-amz-date": "today"}, "AuthorizationQueryParametersError"),
    ],
)
def test_a_form_whose_signature_cannot_be_read(world: World, alice: Client, change: dict[str, str], code: str) -> None:
    found = refused(world, form(alice, **change))
    assert (found.code, found.status) == (code, 400)


def test_the_pinned_region(world: World, alice: Client) -> None:
    enter(world, form(alice), region="us-east-1")
    assert refused(world, form(alice), region="eu-west-1").code == "InvalidArgument"


def _json(document: object) -> bytes:
    return json.dumps(document).encode()
