"""`rolecall why` and `rolecall trail`, run against a real server as people run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.client.asked import Command
from tests.serving import ACCOUNT, Credentials, Server, serving

READING = ["cloudtrail:LookupEvents", "iam:GetUserPolicy"]
AUDITOR = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": READING, "Resource": "*"}]})
BLUE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "BlueOnly",
                "Effect": "Allow",
                "Action": "iam:ListUsers",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
            }
        ],
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("asked") / "data", "--account", ACCOUNT, workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def auditor(server: Server) -> Credentials:
    return server.user("auditor", AUDITOR)


@pytest.fixture(scope="module")
def alice(server: Server) -> Credentials:
    """A user who was refused ListUsers for the want of a tag, and then was told who it is."""
    key = server.user("alice", BLUE)
    with pytest.raises(ClientError, match="AccessDenied"):
        server.client("iam", key).list_users()
    server.recorded(server.client("sts", key).get_caller_identity())
    return key


@pytest.fixture
def rolecall(server: Server, tmp_path: Path) -> Command:
    return Command(server, tmp_path)


def test_the_last_refusal_is_explained_with_the_condition_that_failed(
    rolecall: Command, auditor: Credentials, alice: Credentials
) -> None:
    said = rolecall("why", "--last", "--user", "alice", who=auditor)
    assert said.code == 0
    answer = said.out.splitlines()[0]
    assert answer.startswith("Refused: no policy of user/alice allows iam:ListUsers on ")
    assert "statement “BlueOnly” of user/alice inline p0 would" in answer
    assert "StringEquals aws:PrincipalTag/team wants `blue` and the request has none" in answer


def test_a_request_is_explained_by_the_id_its_answer_carried(
    rolecall: Command, server: Server, auditor: Credentials, alice: Credentials
) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("s3", alice).create_bucket(Bucket="not-for-alice")
    request_id = server.recorded(refused.value.response)
    said = rolecall("why", request_id, who=auditor)
    assert said.code == 0
    assert "Refused: no policy of user/alice allows s3:CreateBucket on arn:aws:s3:::not-for-alice." in said.out
    record = rolecall("why", request_id, "--json", who=auditor).records()[0]
    assert (record["requestID"], record["errorCode"]) == (request_id, "AccessDenied")


def test_an_allowed_request_names_what_allowed_it(rolecall: Command, server: Server, auditor: Credentials) -> None:
    request_id = server.recorded(server.client("cloudtrail", auditor).lookup_events())
    said = rolecall("why", request_id, who=auditor)
    assert said.out.startswith("Allowed by statement 1 of user/auditor inline p0.\n")


def test_names_that_others_chose_cannot_command_the_terminal(
    rolecall: Command, server: Server, auditor: Credentials, alice: Credentials
) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("s3", alice).get_object(Bucket="any-bucket", Key="\x1b[2J\x1b]0;owned\x07")
    request_id = server.recorded(refused.value.response)
    for words in (("why", request_id), ("trail", "--user", "alice")):
        said = rolecall(*words, who=auditor)
        assert "owned" in said.out
        assert "\x1b" not in said.out
        assert "\x07" not in said.out


def test_an_unknown_request_is_not_found(rolecall: Command, auditor: Credentials) -> None:
    said = rolecall("why", "00000000-1111-4222-8333-444444444444", who=auditor)
    assert (said.code, said.out) == (1, "")
    assert "knows of no such request" in said.err


def test_those_without_the_right_are_told_which_right(rolecall: Command, alice: Credentials) -> None:
    for words in (("why", "--last"), ("trail",)):
        said = rolecall(*words, who=alice)
        assert (said.code, said.out) == (2, "")
        assert "AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not authorized" in said.err
        assert "needs cloudtrail:LookupEvents" in said.err


def test_the_trail_lists_what_was_refused_within_a_span(
    rolecall: Command, auditor: Credentials, alice: Credentials
) -> None:
    said = rolecall("trail", "--denied", "--last", "1h", "--user", "alice", who=auditor)
    assert said.code == 0
    heading, *lines = said.out.splitlines()
    assert heading.split() == ["time", "(UTC)", "who", "action", "on", "outcome", "request"]
    assert all("user/alice" in line and "AccessDenied" in line for line in lines)
    assert any("iam:ListUsers" in line for line in lines)
    everything = rolecall("trail", "--last", "1h", "--user", "alice", who=auditor).out
    assert "sts:GetCallerIdentity" in everything
    assert "sts:GetCallerIdentity" not in said.out


def test_options_narrow_the_list_together(rolecall: Command, auditor: Credentials, alice: Credentials) -> None:
    records = rolecall("trail", "--user", "alice", "--source", "iam", "--json", who=auditor).records()
    assert {record["eventName"] for record in records} == {"ListUsers"}
    of_key = rolecall("trail", "--key", alice.access_key_id, "--event", "GetCallerIdentity", "--json", who=auditor)
    assert len(of_key.records()) == 1
    assert rolecall("trail", "--resource", "alice", "--event", "CreateUser", "--json", who=auditor).records()
    assert len(rolecall("trail", "--limit", "2", "--json", who=auditor).records()) == 2
    nothing = rolecall("trail", "--event", "Unheard", who=auditor)
    assert (nothing.code, nothing.out) == (1, "Nothing in the trail fits.\n")


def test_the_profile_is_read_from_the_sdks_files(
    rolecall: Command, server: Server, alice: Credentials, tmp_path: Path
) -> None:
    said = rolecall(
        "trail", "--profile", "root", "--limit", "1", AWS_SHARED_CREDENTIALS_FILE=str(server.data / "root-credentials")
    )
    assert said.code == 0
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile me]\nregion = eu-west-3\n")
    (tmp_path / ".aws" / "credentials").write_text(
        f"[me]\naws_access_key_id = {alice.access_key_id}\naws_secret_access_key = {alice.secret_access_key}\n"
    )
    assert "user/alice is not authorized" in rolecall("trail", AWS_PROFILE="me").err


@pytest.mark.parametrize(
    ("words", "more", "sentence"),
    [
        (("trail",), {}, "No credentials: set AWS_ACCESS_KEY_ID"),
        (("trail", "--profile", "nobody"), {}, "The profile `nobody` has no access key"),
        (("trail",), {"AWS_ACCESS_KEY_ID": "AKIA"}, "AWS_SECRET_ACCESS_KEY is not"),
        (("why",), {}, "Say which request"),
        (("why", "x", "--last"), {}, "Say which request"),
        (("trail", "--last", "soon"), {}, "`soon` is no span of time"),
        (("trail", "--endpoint-url", "ftp://x", "--profile", "x"), {}, "is no http:// or https:// address"),
    ],
)
def test_what_is_missing_is_said(
    rolecall: Command, words: tuple[str, ...], more: dict[str, str], sentence: str
) -> None:
    said = rolecall(*words, **more)
    assert said.code == 2
    assert sentence in said.err


def test_nobody_at_the_endpoint_is_said(rolecall: Command, auditor: Credentials) -> None:
    said = rolecall("trail", "--endpoint-url", "http://127.0.0.1:9", who=auditor)
    assert said.code == 2
    assert "No answer: http://127.0.0.1:9" in said.err


def test_a_wrong_key_is_refused_in_the_servers_words(rolecall: Command, auditor: Credentials) -> None:
    wrong = Credentials(auditor.access_key_id, "x" * 40)
    assert "InvalidSignatureException" in rolecall("trail", who=wrong).err
    assert "AKIAIOSFODNN7EXAMPLE" not in rolecall("trail", who=Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)).out
