"""DecodeAuthorizationMessage: the header of a refusal, and the document that AWS's shape makes of it."""

from __future__ import annotations

import json
import string
from datetime import timedelta
from typing import Any

import pytest
from tests.access.world import ACCOUNT, OTHER, Credentials, World, allow, deny, document, trusting

from rolecall.access.authorize import Denied
from rolecall.access.check import Check, Denial, Guard
from rolecall.buckets.bucket import Bucket, create_bucket
from rolecall.directory.sessions import rotate
from rolecall.message import ServiceError
from rolecall.services.sts import operations

HEADER = "x-rolecall-authorization-message"
R = f"arn:aws:iam::{ACCOUNT}:role/R"


def message(world: World, who: Credentials, check: Check, denial: Denial = Denial.FULL) -> str:
    with pytest.raises(Denied) as refused:
        world.ask(who, check, denial=denial)
    return dict(refused.value.headers)[HEADER]


def decoded(world: World, text: str, who: Credentials | None = None) -> Any:
    answer = world.call(operations, who or world.root, "DecodeAuthorizationMessage", encoded_message=text)
    return json.loads(answer["decoded_message"])


def test_an_explicit_deny_is_told_in_the_shape_of_awss_example(world: World) -> None:
    alice = world.user("alice", deny("ec2:RunInstances", Sid="VisualEditor0"))
    told = decoded(world, message(world, alice, Check("ec2:RunInstances", context={"ec2:region": "us-east-1"})))
    assert {key: told[key] for key in ("allowed", "explicitDeny", "failures")} == {
        "allowed": False,
        "explicitDeny": True,
        "failures": {"items": []},
    }
    assert told["matchedStatements"] == {
        "items": [
            {
                "statementId": "VisualEditor0",
                "effect": "DENY",
                "principals": {"items": []},
                "principalGroups": {"items": []},
                "actions": {"items": [{"value": "ec2:RunInstances"}]},
                "resources": {"items": [{"value": "*"}]},
                "conditions": {"items": []},
            }
        ]
    }
    context = told["context"]
    assert context["principal"] == {
        "id": world.user_id("alice"),
        "name": "alice",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    }
    assert (context["action"], context["resource"]) == ("ec2:RunInstances", "*")
    assert {"key": "ec2:region", "values": {"items": [{"value": "us-east-1"}]}} in context["conditions"]["items"]
    assert {"key": "aws:username", "values": {"items": [{"value": "alice"}]}} in context["conditions"]["items"]


def test_a_missing_allow_matches_nothing(world: World) -> None:
    alice = world.user("alice", allow("s3:*"))
    told = decoded(world, message(world, alice, Check("sqs:SendMessage")))
    assert (told["explicitDeny"], told["matchedStatements"]["items"]) == (False, [])


def test_decoding_is_for_those_who_have_the_right(world: World) -> None:
    alice = world.user("alice")
    text = message(world, alice, Check("sqs:SendMessage"))
    with pytest.raises(Denied, match="not authorized to perform: sts:DecodeAuthorizationMessage"):
        decoded(world, text, alice)
    reader = world.user("reader", allow("sts:DecodeAuthorizationMessage"))
    assert decoded(world, text, reader)["context"]["action"] == "sqs:SendMessage"


@pytest.mark.parametrize("spoil", ["not base64!", "", "AAAA", "flipped", "cut"])
def test_what_is_no_message_is_refused(world: World, spoil: str) -> None:
    text = message(world, world.user("alice"), Check("sqs:SendMessage"))
    wrong = {"flipped": text[:60] + ("A" if text[60] != "A" else "B") + text[61:], "cut": text[:-8]}.get(spoil, spoil)
    with pytest.raises(ServiceError) as refused:
        decoded(world, wrong)
    assert refused.value.code == "InvalidAuthorizationMessageException"
    assert (refused.value.status, refused.value.message) == (400, "Message is not valid")


def test_a_message_of_another_account_does_not_open(world: World) -> None:
    text = message(world, world.user("eve", account=OTHER), Check("sqs:SendMessage"))
    with pytest.raises(ServiceError, match="Message is not valid"):
        decoded(world, text)


def test_another_accounts_policy_stays_that_accounts_affair(world: World) -> None:
    world.change(
        lambda transaction: create_bucket(
            transaction,
            Bucket(
                name="theirs",
                account=OTHER,
                created=world.clock.now(),
                region="us-east-1",
                policy=document({**deny("s3:*", Sid="Secret"), "Principal": "*"}),
            ),
        )
    )
    alice = world.user("alice", allow("s3:*"))
    check = Check("s3:GetObject", "arn:aws:s3:::theirs/k", OTHER, guard=Guard.BUCKET, guarded_by="theirs")
    told = decoded(world, message(world, alice, check))
    assert told["explicitDeny"]
    assert told["matchedStatements"]["items"] == []


def test_the_length_does_not_tell_whether_a_role_exists(world: World) -> None:
    alice = world.user("alice", allow("sts:AssumeRole"))
    world.role("R", trusting({"Service": "ec2.amazonaws.com"}), tags={"k" * 100: "v" * 250})
    lengths = set()
    for role in ("R", "missing", "m" * 64):
        with pytest.raises(Denied) as refused:
            world.call(
                operations,
                alice,
                "AssumeRole",
                role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
                role_session_name="s",
                tags=[{"key": letter * 9, "value": letter * 200} for letter in string.ascii_lowercase + string.digits],
            )
        lengths.add(len(dict(refused.value.headers)[HEADER]))
    assert len(lengths) == 1


def test_a_message_outlives_the_rotation_of_the_key_and_no_more(world: World) -> None:
    text = message(world, world.user("alice"), Check("sqs:SendMessage"))
    world.change(lambda transaction: rotate(transaction, world.clock.now()))
    assert decoded(world, text)
    world.clock.advance(timedelta(days=3))
    world.change(lambda transaction: rotate(transaction, world.clock.now()))
    with pytest.raises(ServiceError, match="Message is not valid"):
        decoded(world, text)


def test_the_longest_message_fits_into_a_proxys_buffer_and_says_what_decided(world: World) -> None:
    alice = world.user("alice", *(deny("x:*", f"arn:aws:x:::{number}/*") for number in range(5)), deny("x:Y"))
    context = {f"x:key{number}": str(number) * 400 + "é" for number in range(300)}
    text = message(world, alice, Check("x:Y", context=context))
    assert len(text) < 3000
    assert decoded(world, text)["explicitDeny"]


def test_strangers_are_handed_none(world: World) -> None:
    with pytest.raises(Denied) as refused:
        world.ask(None, Check("s3:GetObject", "arn:aws:s3:::b/k", ACCOUNT), unsigned=True)
    assert refused.value.headers == ()
