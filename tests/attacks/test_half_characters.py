"""Half a character (`\\ud800` alone in JSON) is text that no key, no answer and no record of the trail can hold."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Server

TRUST = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"%s"}}}'
BUCKET_POLICY = (
    '{"Version":"2012-10-17","Statement":{"Sid":"%s","Effect":"Allow","Principal":{"AWS":"%s"},'
    '"Action":"s3:GetObject","Resource":"arn:aws:s3:::half-characters/*"}}'
)


def test_half_a_character_in_a_principal_is_refused_and_no_failure(server: Server) -> None:
    iam = server.client("iam")
    with pytest.raises(ClientError) as refused:
        iam.create_role(
            RoleName="half-character",
            AssumeRolePolicyDocument=TRUST % f"arn:aws:iam::{ACCOUNT}:user/\\ud800",
        )
    assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"


@pytest.mark.parametrize(("sid", "principal"), [("\\ud800", ACCOUNT), ("", f"arn:aws:iam::{ACCOUNT}:user/\\ud800")])
def test_no_bucket_policy_hides_what_it_allows_from_the_trail(server: Server, sid: str, principal: str) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="half-characters")
    with pytest.raises(ClientError) as refused:
        s3.put_bucket_policy(Bucket="half-characters", Policy=BUCKET_POLICY % (sid, principal))
    assert refused.value.response["Error"]["Code"] == "MalformedPolicy"
