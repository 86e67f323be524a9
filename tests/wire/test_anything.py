"""Whatever comes, the wire answers with a refusal of its own: nothing else is ever raised."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.wire.botocore_half import Unread
from tests.wire.requests import FORM, answers

from rolecall.message import Request
from rolecall.wire.model import service, services
from rolecall.wire.scalars import READERS, Unreadable
from rolecall.wire.urlencoded import Undecodable, decode
from rolecall.wire.xml_input import MalformedXml, parse_document

NAMES = sorted(
    {
        member.wire_name.lower()
        for operation in service("s3").operations.values()
        for member in (operation.input.members.values() if operation.input else ())
        if member.location in {"header", "querystring"}
    }
)
PARAMETERS = sorted(
    {
        member.name
        for name in ("iam", "sts")
        for operation in service(name).operations.values()
        for member in (operation.input.members.values() if operation.input else ())
    }
)
ACTIONS = [(name, operation) for name in ("iam", "sts") for operation in service(name).operations]
SUBRESOURCES = [
    "acl",
    "policy",
    "tagging",
    "uploads",
    "delete",
    "cors",
    "lifecycle",
    "select",
    "list-type",
    "versioning",
]
RAW = st.one_of(st.binary(max_size=60), st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")))
PIECES = st.sampled_from([".", "member", "entry", "1", "2", "01", "key", "value", "Key", "Value", "", "x"])
LINE = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=20)


@given(
    name=st.sampled_from(services()),
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS", "", "é"]),
    path=RAW,
    query=RAW,
    host=LINE,
    body=RAW,
    target=LINE,
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_anywhere_are_answered(
    name: str, method: str, path: bytes, query: bytes, host: str, body: bytes, target: str
) -> None:
    headers = (("host", host), ("content-type", FORM), ("x-amz-target", target), ("authorization", "x"))
    answers(Request(method, path, query, headers, Unread()), name, body)


@given(
    action=st.sampled_from(ACTIONS),
    parameters=st.lists(
        st.tuples(
            st.sampled_from(PARAMETERS),
            st.lists(PIECES, max_size=4),
            st.sampled_from([b"", b"1", b"%41", b"-", b"%FF"]),
        ),
        max_size=6,
    ),
    noise=RAW,
)
@settings(max_examples=300, deadline=None)
def test_any_form_is_answered(
    action: tuple[str, str], parameters: list[tuple[str, list[str], bytes]], noise: bytes
) -> None:
    name, operation = action
    parts = [f"Action={operation}&Version={service(name).api_version}".encode()]
    parts += [".".join([parameter, *pieces]).encode() + b"=" + value for parameter, pieces, value in parameters]
    headers = (("host", "localhost"), ("content-type", FORM), ("authorization", "x"))
    answers(Request("POST", b"/", b"", headers, Unread()), name, b"&".join([*parts, noise]))


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    path=st.sampled_from([b"/", b"/b", b"/b/k", b"/b/../k", b"/b/%2e%2e/k", b"/b//"]),
    subresources=st.lists(st.sampled_from(SUBRESOURCES), max_size=2),
    query=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "1", "-1", "x", "true", "%00"])), max_size=4),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), LINE), max_size=6),
    body=st.one_of(
        RAW, st.sampled_from([b"<Delete/>", b"<Tagging><TagSet/></Tagging>", b"<a xmlns='x'>&#8;</a>", b"<a"])
    ),
)
@settings(max_examples=400, deadline=None)
def test_any_request_of_s3_is_answered(
    method: str,
    path: bytes,
    subresources: list[str],
    query: list[tuple[str, str]],
    headers: list[tuple[str, str]],
    body: bytes,
) -> None:
    raw = "&".join([*subresources, *(f"{name}={value}" for name, value in query)]).encode()
    answers(Request(method, path, raw, (("host", "localhost"), *headers), Unread()), "s3", body)


@given(body=RAW)
@example(b"{}")
@example(b'{"LookupAttributes":[null]}')
@settings(max_examples=200, deadline=None)
def test_any_json_is_answered(body: bytes) -> None:
    headers = (("host", "localhost"), ("x-amz-target", "CloudTrail_20131101.LookupEvents"))
    answers(Request("POST", b"/", b"", headers, Unread()), "cloudtrail", body)


@given(raw=st.one_of(st.binary(max_size=200), st.text(alphabet="<>&;/ax=\"'![]CDAT?-#8", max_size=80).map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_xml_or_malformed(raw: bytes) -> None:
    with suppress(MalformedXml):
        parse_document(raw)


@given(raw=st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_parameters_or_undecodable(raw: bytes) -> None:
    with suppress(Undecodable):
        for name, value in decode(raw).items():
            (name + value).encode()


@given(
    kind=st.sampled_from(sorted(READERS)),
    written=st.one_of(st.text(max_size=40), st.text("0123456789-:TZ.+eE ,GMTJan", max_size=32)),
)
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_value_or_unreadable(kind: str, written: str) -> None:
    with suppress(Unreadable):
        READERS[kind](written)
