"""The query protocol: what comes in, what is refused, and how answers are spelled."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.wire.requests import DOMAINS, form, parameters, refusal_of, request, signed, text

from rolecall.message import ServiceError
from rolecall.wire import query
from rolecall.wire.route import route
from rolecall.wire.routed import Addressee

STS = "Version=2011-06-15"
IAM = "Version=2010-05-08"
ROLE = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FR"
EXPIRY = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)


def refused(service: str, body: str) -> tuple[str, int, str]:
    with pytest.raises(ServiceError) as caught:
        parameters(service, body)
    return refusal_of(caught.value)


def test_lists_maps_and_numbers_are_read() -> None:
    body = (
        f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=se&DurationSeconds=900"
        "&Tags.member.2.Key=b&Tags.member.2.Value=2&Tags.member.1.Key=a&Tags.member.1.Value=1"
        "&TransitiveTagKeys.member.1=a&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    assert parameters("sts", body) == {
        "role_arn": "arn:aws:iam::123456789012:role/R",
        "role_session_name": "se",
        "duration_seconds": 900,
        "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "transitive_tag_keys": ["a"],
        "policy_arns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
    }


def test_elements_of_a_list_are_in_the_order_of_their_numbers() -> None:
    names = "".join(f"&ActionNames.member.{n}=s3:A{n}" for n in (10, 9, 1, 2))
    found = parameters("iam", f"Action=SimulateCustomPolicy&{IAM}&PolicyInputList.member.1=%7B%7D{names}")
    assert found["action_names"] == ["s3:A1", "s3:A2", "s3:A9", "s3:A10"]


def test_an_empty_list_is_a_list() -> None:
    assert parameters("sts", f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=se&Tags=")["tags"] == []


def test_unknown_parameters_are_ignored() -> None:
    """CVE-2021-43858: a field that the operation does not have must change nothing."""
    assert parameters("iam", f"Action=GetUser&{IAM}&UserName=a&IsAdmin=true&Policy.x=1&.=&..=1") == {"user_name": "a"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=X%20Y",
            (
                "1 validation error detected: Value 'X Y' at 'roleSessionName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            ),
        ),
        (
            f"Action=AssumeRole&{STS}&RoleSessionName=ok",
            "1 validation error detected: Value at 'roleArn' failed to satisfy constraint: Member must not be null",
        ),
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=a&DurationSeconds=899",
            (
                "2 validation errors detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have "
                "length greater than or equal to 2; Value '899' at 'durationSeconds' failed to satisfy constraint: Member "
                "must have value greater than or equal to 900"
            ),
        ),
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=ok&DurationSeconds=43201",
            (
                "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must "
                "have value less than or equal to 43200"
            ),
        ),
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=ok&Tags.member.1.Key={'k' * 129}&Tags.member.1.Value=",
            (
                f"1 validation error detected: Value '{'k' * 129}' at 'tags.1.member.key' failed to satisfy constraint: "
                "Member must have length less than or equal to 128"
            ),
        ),
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=ok&Tags.member.1.Key=k",
            (
                "1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            f"Action=AssumeRole&{STS}&{ROLE}&RoleSessionName=ok&TransitiveTagKeys.member.1=",
            (
                "1 validation error detected: Value '[]' at 'transitiveTagKeys' failed to satisfy constraint: Member must "
                "satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater "
                "than or equal to 1, Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+]"
            ),
        ),
    ],
)
def test_broken_constraints_of_sts_are_said_in_aws_words(body: str, message: str) -> None:
    assert refused("sts", body) == ("ValidationError", 400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "Action=CreateUser&UserName=a%20b",
            (
                "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the "
                "following: +=,.@_-"
            ),
        ),
        (
            "Action=CreateUser&UserName=ab&Path=/a",
            (
                "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
                "characters and/or / characters."
            ),
        ),
        (
            f"Action=CreateUser&UserName={'a' * 65}&Path=/a",
            (
                f"1 validation error detected: Value '{'a' * 65}' at 'userName' failed to satisfy constraint: Member must "
                "have length less than or equal to 64"
            ),
        ),
        (
            "Action=UpdateAccessKey&AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=Off",
            (
                "1 validation error detected: Value 'Off' at 'status' failed to satisfy constraint: Member must satisfy enum "
                "value set: [Active, Inactive, Expired]"
            ),
        ),
    ],
)
def test_broken_constraints_of_iam_are_said_in_aws_words(body: str, message: str) -> None:
    assert refused("iam", f"{body}&{IAM}") == ("ValidationError", 400, message)


def test_a_secret_is_not_repeated_in_a_refusal() -> None:
    code, _, message = refused("iam", f"Action=ChangePassword&{IAM}&OldPassword=%01secret&NewPassword={'x' * 200}")
    assert code == "ValidationError"
    assert "secret" not in message
    assert "xxx" not in message
    assert message.startswith("2 validation errors detected: Value at 'oldPassword'")


@pytest.mark.parametrize(
    "wrong",
    [
        "DurationSeconds=ten",
        "DurationSeconds=",
        "DurationSeconds=9e2",
        "DurationSeconds=99999999999999999999999",
        "DurationSeconds.member.1=900",
        "RoleArn.member.1=x",
        "Tags=x",
        "Tags.member=x",
        "Tags.member.x.Key=k",
        "Tags.member.1=x",
        "Tags.member.1.Key=k&Tags.member.01.Key=l",
        "Tags.member.-1.Key=k",
        "Tags.member.%D9%A1.Key=k",
    ],
)
def test_a_value_of_the_wrong_kind_is_malformed(wrong: str) -> None:
    code, status, _ = refused("sts", f"Action=AssumeRole&{STS}&RoleSessionName=ok&{wrong}")
    assert (code, status) == ("MalformedInput", 400)


@pytest.mark.parametrize("twice", ["RoleArn=a", "Action=GetUser", "%41ction=GetCallerIdentity", "Version=1"])
def test_a_parameter_given_twice_is_refused(twice: str) -> None:
    """CVE-2022-2385: which of two values counts must not be anybody's guess."""
    code, status, _ = refused("sts", f"Action=AssumeRole&{STS}&RoleArn=b&RoleSessionName=ok&{twice}")
    assert (code, status) == ("MalformedQueryString", 400)


def test_a_parameter_in_url_and_body_is_refused() -> None:
    """CVE-2022-2385: the URL's Action must not differ from the body's."""
    made = request(
        "POST", f"/?Action=GetCallerIdentity&{STS}", signed(**{"content-type": "application/x-www-form-urlencoded"})
    )
    with pytest.raises(ServiceError) as caught:
        route(made, "sts", b"Action=AssumeRole", DOMAINS)
    assert caught.value.code == "MalformedQueryString"


def test_a_name_in_another_case_is_another_name() -> None:
    """CVE-2022-2385: `action` beside `Action` is unknown, not a second spelling."""
    assert form("sts", f"Action=GetCallerIdentity&{STS}&action=AssumeRole").operation.name == "GetCallerIdentity"


@pytest.mark.parametrize("raw", ["UserName=%ff", "UserName=%", "UserName=%4", "UserName=%zz", "%c3%28=1", "\udcff=1"])
def test_what_is_no_utf8_or_no_escape_is_refused(raw: str) -> None:
    made = request("POST", "/", signed(**{"content-type": "application/x-www-form-urlencoded"}))
    body = f"Action=GetUser&{IAM}&{raw}".encode("utf-8", "surrogateescape")
    with pytest.raises(ServiceError) as caught:
        route(made, "iam", body, DOMAINS)
    assert caught.value.code == "MalformedQueryString"


def test_ten_thousand_parameters_are_read_and_one_more_is_refused() -> None:
    """CVE-2026-53539: a form's parts are bounded."""
    many = "&".join(f"ActionNames.member.{n}=s3:GetObject" for n in range(1, 9_998))
    body = f"Action=SimulateCustomPolicy&{IAM}&PolicyInputList.member.1=%7B%7D&{many}"
    names = parameters("iam", body)["action_names"]
    assert isinstance(names, list)
    assert len(names) == 9_997
    assert refused("iam", f"{body}&a=1")[0] == "MalformedQueryString"


def test_a_name_of_a_million_dots_is_ignored() -> None:
    assert parameters("iam", f"Action=GetUser&{IAM}&UserName=a&{'.' * 1_000_000}=1") == {"user_name": "a"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"Action=Nothing&{IAM}", ("InvalidAction", 400, "Could not find operation Nothing for version 2010-05-08")),
        ("Action=GetUser", ("InvalidAction", 400, "Could not find operation GetUser for version NO_VERSION_SPECIFIED")),
        (f"Action=GetUser&{STS}", ("InvalidAction", 400, "Could not find operation GetUser for version 2011-06-15")),
        (f"Action=getuser&{IAM}", ("InvalidAction", 400, "Could not find operation getuser for version 2010-05-08")),
        (IAM, ("MissingAction", 400, "The request is missing an action or a required parameter.")),
        ("", ("MissingAction", 400, "The request is missing an action or a required parameter.")),
    ],
)
def test_an_unknown_operation_is_refused_in_aws_words(body: str, expected: tuple[str, int, str]) -> None:
    assert refused("iam", body) == expected


def test_a_get_is_as_good_as_a_form() -> None:
    made = request("GET", f"/?Action=GetUser&{IAM}&UserName=a+b%2B", signed())
    routed = route(made, "iam", None, DOMAINS)
    assert routed.form == {"Action": "GetUser", "Version": "2010-05-08", "UserName": "a b+"}


@pytest.mark.parametrize(
    ("method", "target", "content_type", "expected"),
    [
        ("PUT", "/", "application/x-www-form-urlencoded", ("MethodNotAllowed", 405)),
        ("POST", "/x", "application/x-www-form-urlencoded", ("UnknownOperationException", 404)),
        ("POST", "/", "application/json", ("UnknownOperationException", 404)),
        ("POST", "/", "multipart/form-data; boundary=x", ("UnknownOperationException", 404)),
    ],
)
def test_what_is_no_form_is_refused(method: str, target: str, content_type: str, expected: tuple[str, int]) -> None:
    with pytest.raises(ServiceError) as caught:
        route(request(method, target, signed(**{"content-type": content_type})), "sts", b"Action=x", DOMAINS)
    assert (caught.value.code, caught.value.status) == expected


def test_an_answer_is_spelled_as_aws_spells_it() -> None:
    routed = form("sts", f"Action=GetSessionToken&{STS}")
    result = {"credentials": {"access_key_id": "ASIA", "secret_access_key": "a<&>\"'", "expiration": EXPIRY}}
    response = query.answer(routed, result, request_id="id", host_id="")
    assert response.headers == (("x-amzn-requestid", "id"), ("content-type", "text/xml"))
    assert text(response) == (
        '<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        "  <GetSessionTokenResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
        "<SecretAccessKey>a&lt;&amp;&gt;&quot;'</SecretAccessKey>"
        "<Expiration>2026-01-02T03:04:05Z</Expiration></Credentials></GetSessionTokenResult>\n"
        "  <ResponseMetadata>\n    <RequestId>id</RequestId>\n  </ResponseMetadata>\n</GetSessionTokenResponse>\n"
    )


def test_an_operation_without_output_has_metadata_only() -> None:
    response = query.answer(form("iam", f"Action=DeleteUser&{IAM}&UserName=a"), {}, request_id="id", host_id="")
    assert text(response) == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">\n'
        "  <ResponseMetadata>\n    <RequestId>id</RequestId>\n  </ResponseMetadata>\n</DeleteUserResponse>\n"
    )


def test_json_is_answered_to_whoever_accepts_json() -> None:
    routed = form("sts", f"Action=GetSessionToken&{STS}", headers={"accept": "application/json"})
    result = {"credentials": {"access_key_id": "ASIA", "expiration": EXPIRY.replace(microsecond=0)}}
    response = query.answer(routed, result, request_id="id", host_id="")
    assert dict(response.headers)["content-type"] == "application/json"
    assert json.loads(text(response)) == {
        "GetSessionTokenResponse": {
            "GetSessionTokenResult": {"Credentials": {"AccessKeyId": "ASIA", "Expiration": 1767323045}},
            "ResponseMetadata": {"RequestId": "id"},
        }
    }


@pytest.mark.parametrize("accept", ["*/*", "application/xml", "text/json", "application/jsonp", ""])
def test_xml_is_answered_to_everybody_else(accept: str) -> None:
    assert not form("sts", f"Action=GetCallerIdentity&{STS}", headers={"accept": accept}).accept_json


@pytest.mark.parametrize(
    ("code", "status", "fault", "namespace"),
    [
        ("AccessDenied", 403, "Sender", "https://iam.amazonaws.com/doc/2010-05-08/"),
        ("ServiceFailure", 500, "Receiver", "https://iam.amazonaws.com/doc/2010-05-08/"),
        ("InvalidAction", 400, "Sender", "http://webservices.amazon.com/AWSFault/2005-15-09"),
    ],
)
def test_a_refusal_is_spelled_as_aws_spells_it(code: str, status: int, fault: str, namespace: str) -> None:
    error = ServiceError(code, "User: <x> & more", status)
    response = query.refuse(error, Addressee("iam", "id", ""))
    assert response.status == status
    assert text(response) == (
        f'<ErrorResponse xmlns="{namespace}">\n  <Error>\n    <Type>{fault}</Type>\n    <Code>{code}</Code>\n'
        "    <Message>User: &lt;x&gt; &amp; more</Message>\n  </Error>\n  <RequestId>id</RequestId>\n</ErrorResponse>\n"
    )


def test_a_refusal_in_json_has_aws_members() -> None:
    error = ServiceError("AccessDenied", "no", 403)
    response = query.refuse(error, Addressee("sts", "id", "", accept_json=True))
    assert json.loads(text(response)) == {
        "Error": {"Code": "AccessDenied", "Message": "no", "Type": "Sender"},
        "RequestId": "id",
    }
