"""What fuzzers are let loose on: every reader of bytes that a stranger may send, and what each promises.

A target takes any bytes and returns; the refusals that its reader documents are swallowed here, whatever else is raised is
a finding. Where a reader has a second way to the same outcome (all at once and piece by piece, read and written again),
the target holds one against the other.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from tests.wire.botocore_half import Unread
from tests.wire.requests import FORM, answers

from rolecall.directory.sessions import SessionKey, SessionKeys, TokenInvalid, open_token
from rolecall.edge.exchange import Exchange
from rolecall.edge.origin import Origin, Proxies
from rolecall.edge.receiver import Receiver
from rolecall.message import Request, ServiceError
from rolecall.policy.compile import compile_policy
from rolecall.policy.parse import PolicyUnreadable, parse
from rolecall.policy.validate import Malformed, PolicyKind, validate
from rolecall.services.s3.copying import source_named
from rolecall.services.s3.listing_keys import place_of
from rolecall.services.s3.tags import tags_of_header
from rolecall.sigv4.canonical import canonical_query, canonical_request, normalized_path, s3_path
from rolecall.sigv4.chunked import ChunkedDecoder
from rolecall.sigv4.form import parse_policy, read_form
from rolecall.sigv4.problem import SignatureProblem
from rolecall.sigv4.signature import Payload, read, scope_service
from rolecall.wire.form_data import FormData
from rolecall.wire.model import service
from rolecall.wire.scalars import READERS, Unreadable
from rolecall.wire.urlencoded import Undecodable, decode_pairs
from rolecall.wire.xml_input import MalformedXml, parse_document

MOMENT = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """One reader under fuzz."""

    name: str
    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Inputs that reach deep, to begin with."""
    words: tuple[bytes, ...] = ()
    """What the reader's language is made of, for the fuzzer to put in."""

    def kept(self) -> Iterator[bytes]:
        """Yield the corpus: inputs that found something once, or reach what others do not."""
        packed = CORPUS / f"{self.name}.zip"
        if packed.exists():
            with ZipFile(packed) as archive:
                for name in archive.namelist():
                    yield archive.read(name)


def _text(data: bytes) -> str:
    return data.decode("latin-1").translate({0: None, 10: None, 13: None})


def parameters(data: bytes) -> None:
    """Queries and forms: what is read is what was sent, as a second reader sees it."""
    with suppress(Undecodable):
        for name, value in decode_pairs(data):
            (name + value).encode()
    canonical_query(data)


def query_form(data: bytes) -> None:
    """A form for IAM or STS; its first byte chooses which operation."""
    actions = _actions()
    name, operation = actions[data[0] * 256 % len(actions) + data[0] % 7 if data else 0]
    head = f"Action={operation}&Version={service(name).api_version}&".encode()
    headers = (("host", "localhost"), ("content-type", FORM), ("authorization", "x"))
    answers(Request("POST", b"/", b"", headers, Unread()), name, head + data[1:])


@cache
def _actions() -> tuple[tuple[str, str], ...]:
    found = [(name, operation) for name in ("iam", "sts") for operation in service(name).operations]
    return tuple(found) * 2


def s3_request(data: bytes) -> None:
    """A request of S3: method, target, header lines and document, parted by line ends."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = _text(first).partition(" ")
    path, _, query = target.encode("latin-1").partition(b"?")
    headers = [("host", "localhost")]
    for line in lines:
        name, _, value = _text(line).partition(":")
        headers.append((name.lower(), value.strip()))
    request = Request(method, b"/" + path.lstrip(b"/"), query, tuple(headers), Unread())
    answers(request, "s3", body)
    s3_path(request.raw_path)
    normalized_path(request.raw_path)


def xml(data: bytes) -> None:
    """XML is read without entities, or refused."""
    with suppress(MalformedXml):
        parse_document(data)


def json_rpc(data: bytes) -> None:
    """A document of CloudTrail."""
    headers = (("host", "localhost"), ("x-amz-target", "CloudTrail_20131101.LookupEvents"))
    answers(Request("POST", b"/", b"", headers, Unread()), "cloudtrail", data)


def policy(data: bytes) -> None:
    """A policy document of any kind: stored means readable, compiled, and never else than refused."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    with suppress(PolicyUnreadable):
        compile_policy(parse(text))
    for kind in PolicyKind:
        with suppress(Malformed):
            compile_policy(validate(text, kind, bucket="bucket"))
            parse(text)


def chunked(data: bytes) -> None:
    """aws-chunked without signatures; piece by piece gives what all at once gives."""
    whole = _unchunked([data])
    assert _unchunked([data[at : at + 1] for at in range(len(data))]) == whole
    assert _unchunked([data[: len(data) // 2], data[len(data) // 2 :]]) == whole


def _unchunked(pieces: list[bytes]) -> tuple[bytes, str]:
    decoder = ChunkedDecoder(Payload.UNSIGNED_TRAILER, 5, announced=["x-amz-checksum-crc32"])
    found = b""
    try:
        for piece in pieces:
            found += b"".join(decoder.feed(piece))
        decoder.finish()
    except SignatureProblem as problem:
        return b"", problem.kind.name
    assert len(found) == 5
    return found, "whole"


def upload_form(data: bytes) -> None:
    """An HTML form; piece by piece gives what all at once gives, and its fields are read or refused."""
    whole = _uploaded([data])
    assert _uploaded([data[at : at + 1] for at in range(len(data))]) == whole
    fields = whole[0]
    with suppress(SignatureProblem):
        read_form(fields)
    with suppress(SignatureProblem):
        parse_policy(fields.get("policy", ""))


def _uploaded(pieces: list[bytes]) -> tuple[Mapping[str, str], bytes, str]:
    form, file = FormData("multipart/form-data; boundary=b"), b""
    try:
        for piece in pieces:
            file += b"".join(form.feed(piece))
        form.finish()
    except ServiceError as refused:
        return {}, b"", refused.code
    return dict(form.fields), file, ""


def form_policy(data: bytes) -> None:
    """The policy of an HTML form."""
    with suppress(SignatureProblem):
        parse_policy(base64.b64encode(data).decode())


def authorization(data: bytes) -> None:
    """An Authorization header, and the same bytes as a query that claims to be signed."""
    text = _text(data)
    dated = (("host", "localhost"), ("x-amz-date", "20261124T120000Z"))
    for request in (
        Request("GET", b"/", b"", (*dated, ("authorization", text)), Unread()),
        Request("GET", b"/", data, dated, Unread()),
    ):
        scope_service(request)
        for name in ("s3", "iam"):
            with suppress(SignatureProblem):
                signed = read(request, service=name)
                if signed is not None:
                    names = tuple(signed.signed_headers.split(";"))
                    with suppress(KeyError):
                        canonical_request(request, names, signed.signed_headers, "", is_s3=name == "s3")


def token(data: bytes) -> None:
    """A session token: opened only if it was sealed here."""
    keys = _session_keys()
    sealed = base64.b64encode(_sealed_head() + data).decode()
    for text in (_text(data), data.decode("utf-8", "replace"), sealed):
        try:
            open_token(keys, text)
        except TokenInvalid:
            continue
        raise AssertionError("a token of nobody's opened")


@cache
def _session_keys() -> SessionKeys:
    key = SessionKey(b"\0" * 4, MOMENT, b"k" * 32)
    return SessionKeys(key, {key.number: key})


@cache
def _sealed_head() -> bytes:
    return b"\x01" + _session_keys().newest.number


def small_values(data: bytes) -> None:
    """What stands in single headers and parameters."""
    text = _text(data)
    for reader in READERS.values():
        with suppress(Unreadable):
            reader(text)
    for read_header in (source_named, tags_of_header, place_of):
        with suppress(ServiceError):
            read_header(text)


def connection(data: bytes) -> None:
    """What comes over a connection; piece by piece gives the requests that all at once gives."""
    whole = _received([data])
    assert _received([data[at : at + 1] for at in range(len(data))]) == whole
    assert _received([data[: len(data) // 3], data[len(data) // 3 :]]) == whole


class _Deaf:
    def wanted(self) -> None: ...

    def held(self, full: bool) -> None: ...


def _received(pieces: list[bytes]) -> list[object]:
    exchanges: list[Exchange] = []
    receiver = Receiver(_Deaf(), Origin("192.0.2.7", None, Proxies(("192.0.2.0/24",))), exchanges.append)
    for piece in pieces:
        if not receiver.deaf:
            receiver.feed(piece)
    receiver.end()
    return [_seen(exchange) for exchange in exchanges]


def _seen(exchange: Exchange) -> object:
    if exchange.request is None:
        assert exchange.refusal is not None
        return exchange.refusal.status, exchange.refusal.body
    request = exchange.request
    return (request.method, request.raw_path, request.raw_query, request.headers, request.client, *_body_of(exchange))


def _body_of(exchange: Exchange) -> tuple[bytes, str]:
    """Return the body of an exchange that is over, and what it ended with."""

    async def read() -> tuple[bytes, str]:
        found = b""
        try:
            async for piece in exchange.body.chunks():
                found += piece
        except ServiceError as broken:
            return b"", broken.code
        return found, "whole"

    reading = read()
    try:
        reading.send(None)
    except StopIteration as done:
        read_all: tuple[bytes, str] = done.value
        return read_all
    raise AssertionError("a body that is over is still waited for")


_POLICY = {
    "Version": "2012-10-17",
    "Id": "x",
    "Statement": [
        {
            "Sid": "One",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::123456789012:user/a", "*"], "Service": "s3.amazonaws.com"},
            "Action": ["s3:Get*", "sts:AssumeRole"],
            "NotResource": "arn:aws:s3:::bucket/${aws:username, 'none'}/*",
            "Condition": {
                "ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*", "b?"]},
                "NumericLessThan": {"s3:max-keys": 10},
                "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                "DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
                "Bool": {"aws:SecureTransport": True},
                "Null": {"aws:TokenIssueTime": "true"},
            },
        }
    ],
}
_CHUNKS = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
_HTML_FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\na/${filename}\r\n--b\r\n'
    b'Content-Disposition: form-data; name="policy"\r\n\r\ne30=\r\n--b\r\n'
    b'Content-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n'
)
_FORM_POLICY = {
    "expiration": "2026-12-01T12:00:00.000Z",
    "conditions": [{"bucket": "b"}, ["starts-with", "$key", "a/"], ["content-length-range", 1, 10], ["eq", "$acl", ""]],
}
_SIGNED = (
    b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/us-east-1/s3/aws4_request, "
    b"SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64
)
_PRESIGNED = (
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261124%2Fus-east-1%2Fs3%2Faws4_request"
    b"&X-Amz-Date=20261124T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=" + b"0" * 64
)
_DELETE = b'<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;</Key></Object></Delete>'
_XML_WORDS = (b"<!DOCTYPE", b"<!ENTITY", b"&#x", b"<![CDATA[", b"]]>", b"xmlns", b"<?xml", b"encoding=", b"UTF-16")
_JSON_WORDS = (b"\\ud800", b"NaN", b"1e999", b"[[[[", b"{}", b"null", b"true", b"\\u0000")

TARGETS = {
    target.name: target
    for target in (
        Target("parameters", parameters, (b"a=b&c=%41+%20&d", b"=&&=x"), (b"%", b"&", b"+", b"%ff", b"%00")),
        Target(
            "query-form",
            query_form,
            (b"\0RoleName=a&Tags.member.1.Key=k&Tags.member.1.Value=v", b"\x05PolicyNames.member.2=x&MaxItems=3"),
            (b".member.", b".entry.", b".1.", b"Key=", b"Value=", b"MaxItems=", b"Marker=", b"&"),
        ),
        Target(
            "s3-request",
            s3_request,
            (
                b"PUT bucket/key?partNumber=1&uploadId=x\ncontent-md5: x\nx-amz-meta-a: b\n\n",
                b"POST bucket?delete\ncontent-type: text/xml\n\n" + _DELETE,
                b"GET bucket?list-type=2&max-keys=3&encoding-type=url\n\n",
            ),
            (b"?acl", b"?tagging", b"?uploads", b"x-amz-copy-source:", b"range: bytes=", b"%2e%2e", b"\n", b"\n\n"),
        ),
        Target("xml", xml, (_DELETE, b"<a xmlns:b='c'><b:d e='f'>&#65;<![CDATA[x]]></b:d></a>"), _XML_WORDS),
        Target(
            "json", json_rpc, (b'{"LookupAttributes":[{"AttributeKey":"EventId","AttributeValue":"x"}]}',), _JSON_WORDS
        ),
        Target(
            "policy",
            policy,
            (json.dumps(_POLICY).encode(), b'{"Version":"2008-10-17","Statement":{"Effect":"Deny","NotAction":"*"}}'),
            (*_JSON_WORDS, b'"NotPrincipal"', b'"Condition"', b"${aws:", b"ForAnyValue:", b"IfExists", b"arn:aws:"),
        ),
        Target(
            "chunked", chunked, (_CHUNKS, b"5;a=b\r\nhello\r\n0\r\n\r\n"), (b"\r\n", b"0\r\n", b";chunk-signature=")
        ),
        Target("upload-form", upload_form, (_HTML_FORM,), (b"\r\n--b", b"--b--", b"Content-Disposition: ", b"name=")),
        Target("form-policy", form_policy, (json.dumps(_FORM_POLICY).encode(),), _JSON_WORDS),
        Target("authorization", authorization, (_SIGNED, _PRESIGNED), (b"Credential=", b"/", b", ", b"X-Amz-", b";")),
        Target("token", token, (b"AQAAAAA=", b"\x01\0\0\0\0" + b"x" * 40)),
        Target(
            "small-values",
            small_values,
            (
                b"Tue, 24 Nov 2026 12:00:00 GMT",
                b"2026-11-24T12:00:00Z",
                b"/bucket/key?versionId=x",
                b"a=b&c=d",
                b"1.5e3",
            ),
        ),
        Target(
            "connection",
            connection,
            (
                b"GET /-/health HTTP/1.1\r\nHost: x\r\n\r\nPUT /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
                b"POST / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1, [::1]:3\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            ),
            (
                b"\r\n",
                b"Host: ",
                b"Content-Length: ",
                b"Transfer-Encoding: ",
                b"chunked",
                b"Expect: 100-continue",
                b"\n",
            ),
        ),
    )
}


def run_all(target: Target) -> None:
    """Run a target over its seeds and its corpus."""
    for data in (*target.seeds, *target.kept()):
        target.run(data)
