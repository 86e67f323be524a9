"""STS by boto3 and by hand, on a real server."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Credentials, Server, serving

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"]}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sts") / "data", "--account", ACCOUNT, workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def alice(server: Server) -> Credentials:
    return server.user("alice")


@pytest.fixture(scope="module")
def role(server: Server, alice: Credentials) -> str:
    """A role that trusts alice and may list buckets."""
    iam = server.client("iam")
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}
    answer = iam.create_role(RoleName="Lister", AssumeRolePolicyDocument=json.dumps(trust), Path="/team/")
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="Lister", PolicyName="listing", PolicyDocument=document)
    arn: str = answer["Role"]["Arn"]
    return arn


def post(server: Server, **fields: str) -> tuple[int, str]:
    """Send an unsigned form; return status and body."""
    body = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(server.endpoint + "/", data=body, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"Action": "GetCallerIdentity"},
        {"Action": "AssumeRole", "RoleArn": "nothing-valid-in-here", "RoleSessionName": "x"},
        {"Action": "AssumeRole"},
        {"Action": "GetSessionToken"},
        {"Action": "GetFederationToken", "Name": "bob"},
        {"Action": "GetAccessKeyInfo", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        {"Action": "GetUser", "Version": "2010-05-08"},
        {"Action": "CreateUser", "Version": "2010-05-08"},
    ],
)
def test_an_unsigned_call_hears_that_it_is_unsigned_and_nothing_of_its_parameters(
    server: Server, fields: dict[str, str]
) -> None:
    """GHSA-5qfg-mf7r-jp3w, GHSA-3473-5353-xhwh: an unauthenticated POST reached credential issue."""
    status, body = post(server, **({"Version": "2011-06-15"} | fields))
    assert status == 403
    assert "<Code>MissingAuthenticationToken</Code>" in body
    assert "<Message>Request is missing Authentication Token</Message>" in body


@pytest.mark.parametrize("action", ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"])
def test_federation_is_refused_as_not_built(server: Server, role: str, action: str) -> None:
    more = {"RoleArn": role, "RoleSessionName": "work", "WebIdentityToken": "abcd"}
    more |= {"PrincipalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/x", "SAMLAssertion": "abcd"}
    status, body = post(server, Version="2011-06-15", Action=action, **more)
    assert status == 501
    assert "<Code>NotImplemented</Code>" in body
    assert "Credentials" not in body


def test_an_assumed_role_works_for_what_it_may_and_no_more(server: Server, alice: Credentials, role: str) -> None:
    answer = server.client("sts", alice).assume_role(RoleArn=role, RoleSessionName="work", ExternalId="42")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Lister/work"
    assert answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"])
    session = Credentials.of(answer["Credentials"])
    assert server.client("sts", session).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    server.client("s3", session).list_buckets()
    with pytest.raises(ClientError) as refused:
        server.client("iam", session).list_users()
    assert refused.value.response["Error"]["Message"] == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Lister/work is not authorized to perform: iam:ListUsers on resource:"
        f" arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action"
    )


def test_a_session_dies_when_its_roles_policy_goes(server: Server, alice: Credentials) -> None:
    iam = server.client("iam")
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}
    arn = iam.create_role(RoleName="Brief", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="Brief", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    answer = server.client("sts", alice).assume_role(RoleArn=arn, RoleSessionName="work")
    s3 = server.client("s3", Credentials.of(answer["Credentials"]))
    s3.list_buckets()
    iam.detach_role_policy(RoleName="Brief", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_buckets()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"RoleSessionName": "a b"}, "ValidationError", "at 'roleSessionName' failed to satisfy constraint"),
        ({"DurationSeconds": 43200}, "ValidationError", "exceeds the MaxSessionDuration set for this role."),
        ({"Policy": "{"}, "MalformedPolicyDocument", ""),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "1"}]}, "InvalidParameterValue", "Duplicate tag"),
        ({"TokenCode": "123456"}, "AccessDenied", "MultiFactorAuthentication failed, must provide both"),
    ],
)
def test_what_cannot_be_is_refused_in_awss_words(
    server: Server, alice: Credentials, role: str, more: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("sts", alice).assume_role(**({"RoleArn": role, "RoleSessionName": "work"} | more))
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert message in error["Message"]


def test_the_trail_knows_who_issued_a_key_and_holds_no_secret(server: Server, alice: Credentials, role: str) -> None:
    """CVE-2018-16889, GHSA-r54g-49rx-98cr: secrets in logs."""
    assumed = server.client("sts", alice).assume_role(RoleArn=role, RoleSessionName="traced")
    answer = assumed["Credentials"]
    server.recorded(assumed)
    cloudtrail = server.client("cloudtrail")
    named = [{"AttributeKey": "ResourceName", "AttributeValue": answer["AccessKeyId"]}]
    (event,) = cloudtrail.lookup_events(LookupAttributes=named)["Events"]
    assert (event["EventName"], event["Username"]) == ("AssumeRole", "alice")
    kept = json.dumps(cloudtrail.lookup_events()["Events"], default=str)
    assert answer["AccessKeyId"] in kept
    for secret in (answer["SecretAccessKey"], answer["SessionToken"], alice.secret_access_key):
        assert secret not in kept
        assert secret.encode() not in b"".join(path.read_bytes() for path in server.data.glob("*.db*"))
