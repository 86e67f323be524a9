"""Bodies held against what was signed of them, in every way there is to send one."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest
from tests.access.client import Client, enter, refused
from tests.access.world import World
from tests.sigv4.signer import (
    HASH,
    SIGNED_CHUNKS,
    SIGNED_TRAILER,
    STREAMING,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Bytes,
    Sent,
    Whole,
)

from rolecall.access.authenticate import read_all
from rolecall.message import ServiceError

CRC = {"x-amz-checksum-crc32": "AAAAAA=="}
MODES = (HASH, UNSIGNED, *STREAMING)
LENGTH = "You did not provide the number of bytes specified by the Content-Length HTTP header."


@pytest.fixture
def alice(world: World) -> Client:
    return Client(world, world.user("alice").access_key_id)


def put(client: Client, body: bytes, mode: str, **more: object) -> Sent:
    trailers = CRC if mode in {SIGNED_TRAILER, UNSIGNED_TRAILER} else {}
    return client.signer().send("PUT", "/b/k", (), None, body, mode=mode, trailers=trailers, **more)  # type: ignore[arg-type]


def taken(world: World, sent: Sent) -> bytes | None:
    """Return the body as a handler takes it in one go, where it may."""
    return enter(world, sent).payload(sent.arrived()).at_hand()


def taken_or_refused(world: World, sent: Sent) -> bytes | ServiceError | None:
    try:
        return taken(world, sent)
    except ServiceError as error:
        return error


def receive(world: World, sent: Sent, piece: int = 65536) -> tuple[bytes, int | None, dict[str, str]]:
    """Return the body as a handler receives it, the length it was told before, and the trailers."""
    proof = enter(world, sent)
    payload = proof.payload(sent.request(piece))

    async def read() -> bytes:
        return b"".join([piece async for piece in payload.chunks()])

    length = payload.length
    return asyncio.run(read()), length, dict(payload.trailers())


def broken(world: World, sent: Sent) -> ServiceError:
    """Return the refusal of a body, the same in whichever way it is read."""
    with pytest.raises(ServiceError) as caught:
        receive(world, sent)
    error = caught.value
    at_once = taken_or_refused(world, sent)
    if isinstance(at_once, ServiceError):
        said = (at_once.code, at_once.status, at_once.message, at_once.fields)
        assert said == (error.code, error.status, error.message, error.fields)
    else:
        assert at_once is None
    return error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
@pytest.mark.parametrize("piece", [1000, 1_000_000])
def test_every_way_to_send_a_body_arrives(world: World, alice: Client, mode: str, size: int, piece: int) -> None:
    body = bytes(index % 251 for index in range(size))
    trailers = CRC if mode in {SIGNED_TRAILER, UNSIGNED_TRAILER} else {}
    assert receive(world, put(alice, body, mode), piece) == (body, size, trailers)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1])
def test_a_short_body_that_has_come_is_taken_in_one_go(world: World, alice: Client, mode: str, size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    at_once = mode in {HASH, UNSIGNED} and size <= 32 * 1024
    assert taken(world, put(alice, body, mode)) == (body if at_once else None)


def test_a_document_that_has_come_keeps_to_its_limit() -> None:
    assert asyncio.run(read_all(Whole(b"12345"), 5)) == b"12345"
    with pytest.raises(ServiceError, match="Your request was too large"):
        asyncio.run(read_all(Whole(b"123456"), 5))


@pytest.mark.parametrize("mode", STREAMING)
def test_chunks_need_no_content_length(world: World, alice: Client, mode: str) -> None:
    sent = put(alice, b"data", mode, sized=False)
    assert "content-length" not in dict(sent.headers)
    assert receive(world, sent)[:2] == (b"data", 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("by", ["header", "query"])
def test_no_mode_leads_past_a_bad_signature(world: World, alice: Client, mode: str, by: str) -> None:
    """CVE-2026-40344, GHSA-9c4q-hq6p-c237, GHSA-hv4r-mvr4-25vw, CVE-2025-31489, seaweedfs/seaweedfs#2180."""
    signer = alice.signer()
    if by == "header":
        sent = put(alice, b"data", mode)
    else:
        trailers = CRC if mode in {SIGNED_TRAILER, UNSIGNED_TRAILER} else None
        sent = signer.presign("PUT", "/b/k", body=b"data", mode=mode, trailers=trailers)
    assert receive(world, sent)[0] == b"data"
    for found in (
        refused(world, sent.tampered()),
        refused(world, replace(sent, path="/b/other")),
        refused(world, replace(sent, method="POST")),
    ):
        assert (found.code, found.status) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize("mode", [HASH, *STREAMING])
def test_a_mode_cannot_be_swapped_for_another(world: World, alice: Client, mode: str) -> None:
    sent = put(alice, b"data", mode)
    for other in (UNSIGNED, *STREAMING, hashlib.sha256(b"data").hexdigest()):
        if other != sent.header("x-amz-content-sha256"):
            assert refused(world, sent.with_header("x-amz-content-sha256", other)).code == "SignatureDoesNotMatch"


def test_a_body_with_another_hash(world: World, alice: Client) -> None:
    sent = replace(put(alice, b"data", HASH), body=b"Data")
    found = broken(world, sent)
    assert (found.code, found.status) == ("XAmzContentSHA256Mismatch", 400)
    assert found.message == "The provided 'x-amz-content-sha256' header does not match what was computed."
    assert found.fields == {
        "ClientComputedContentSHA256": hashlib.sha256(b"data").hexdigest(),
        "S3ComputedContentSHA256": hashlib.sha256(b"Data").hexdigest(),
    }


@pytest.mark.parametrize("arrived", [b"data", b"Data", b"dat", b""])
def test_a_hash_left_to_the_reader_is_not_believed_but_proved(world: World, alice: Client, arrived: bytes) -> None:
    """Whoever takes the pieces calculates; the body compares, and nobody uses it before."""
    payload = enter(world, put(alice, b"data", HASH)).payload(put(alice, b"data", HASH).request(65536))
    digest = payload.entrust()
    assert digest is not None
    with pytest.raises(ValueError, match="not proved"):
        payload.trailers()
    digest.update(arrived)
    if arrived == b"data":
        payload.prove()
        assert payload.trailers() == {}
    else:
        with pytest.raises(ServiceError) as caught:
            payload.prove()
        assert caught.value.code == "XAmzContentSHA256Mismatch"
        assert caught.value.fields["S3ComputedContentSHA256"] == hashlib.sha256(arrived).hexdigest()


@pytest.mark.parametrize("mode", [UNSIGNED, *STREAMING])
def test_only_a_signed_hash_of_the_whole_is_left_to_the_reader(world: World, alice: Client, mode: str) -> None:
    sent = put(alice, b"data", mode)
    assert enter(world, sent).payload(sent.request(65536)).entrust() is None


def test_an_absent_body_has_a_hash_too(world: World, alice: Client) -> None:
    sent = replace(put(alice, b"data", HASH), body=b"").with_header("content-length", "0")
    assert broken(world, sent).code == "XAmzContentSHA256Mismatch"


def test_the_last_chunk_corrupted(world: World, alice: Client) -> None:
    """CVE-2021-21390: chunk data was used before its signature was checked."""
    sent = put(alice, b"a" * 65536 + b"b" * 100, SIGNED_CHUNKS)
    found = broken(world, replace(sent, body=sent.body.replace(b"b" * 100, b"b" * 99 + b"c")))
    assert (found.code, found.status) == ("SignatureDoesNotMatch", 403)
    assert found.fields["AWSAccessKeyId"] == alice.access_key_id
    assert found.fields["StringToSign"].startswith("AWS4-HMAC-SHA256-PAYLOAD\n")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cut", [1, 3])
def test_a_body_cut_short(world: World, alice: Client, mode: str, cut: int) -> None:
    sent = put(alice, b"data", mode)
    found = broken(world, replace(sent, body=sent.body[:-cut]))
    assert (found.code, found.status, found.message) == ("IncompleteBody", 400, LENGTH)


@pytest.mark.parametrize("mode", MODES)
def test_a_body_longer_than_declared(world: World, alice: Client, mode: str) -> None:
    sent = put(alice, b"data", mode)
    assert broken(world, replace(sent, body=sent.body + b"x")).code == "IncompleteBody"


@pytest.mark.parametrize("mode", [HASH, UNSIGNED])
def test_a_plain_body_declares_its_length(world: World, alice: Client, mode: str) -> None:
    found = broken(world, put(alice, b"data", mode, sized=False))
    assert (found.code, found.status) == ("MissingContentLength", 411)
    assert found.message == "You must provide the Content-Length HTTP header."


@pytest.mark.parametrize("declared", [None, "", "x", "-4", "+4", "4.0", "٤", "9" * 30])
def test_chunks_declare_their_decoded_length(world: World, alice: Client, declared: str | None) -> None:
    signer = alice.signer()
    names = signer.unsigned_names
    for mode in STREAMING:
        sent = put(alice, b"data", mode)
        headers = {name: value for name, value in sent.headers if name not in {"authorization", *names}}
        headers.pop("x-amz-decoded-content-length")
        if declared is not None:
            headers["x-amz-decoded-content-length"] = declared
        signature, signed = signer.signature("PUT", "/b/k", (), headers, mode)
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={signer.credential}, SignedHeaders={signed}, Signature={signature}"
        )
        wire = tuple((name, value.encode().decode("latin-1")) for name, value in headers.items())
        forged = Sent("PUT", "/b/k", "", (*wire, ("authorization", authorization)), sent.body)
        found = broken(world, forged)
        assert (found.code, found.status) == ("MissingContentLength", 411)


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        (lambda body: body.replace(b"4\r\n", b"zz\r\n"), "IncompleteBody", 400),
        (lambda body: body.replace(b"x-amz-checksum-crc32:", b"x-amz-checksum-sha1:"), "MalformedTrailerError", 400),
    ],
)
def test_bad_framing_in_aws_words(world: World, alice: Client, change: object, code: str, status: int) -> None:
    sent = put(alice, b"data", UNSIGNED_TRAILER)
    found = broken(world, replace(sent, body=change(sent.body)))  # type: ignore[operator]
    assert (found.code, found.status) == (code, status)


def test_small_chunks_in_aws_words(world: World, alice: Client) -> None:
    found = broken(world, put(alice, b"a" * 100, UNSIGNED_TRAILER, chunk=50))
    assert (found.code, found.status) == ("InvalidChunkSizeError", 403)
    assert found.message == "Only the last chunk is allowed to have a size less than 8192 bytes"
    assert found.fields == {"Chunk": "1", "BadChunkSize": "50"}


@pytest.mark.parametrize("value", ["", "STREAMING", "A" * 64])
def test_an_unknown_way_to_send_a_body(world: World, alice: Client, value: str) -> None:
    found = refused(world, put(alice, b"data", value))
    assert (found.code, found.status) == ("InvalidArgument", 400)
    assert found.fields == {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": value}
    assert refused(world, put(alice, b"data", value).tampered()).code == "SignatureDoesNotMatch"


def test_nothing_is_read_before_somebody_asks(world: World, alice: Client) -> None:
    for mode in MODES:
        sent = put(alice, b"data", mode)
        request = sent.request()
        enter(world, sent).payload(request)
        assert isinstance(request.body, Bytes)
        assert not request.body.read


class TestUnsignedRequests:
    def sent(self, body: bytes, **headers: str) -> Sent:
        lines = {
            "host": "h",
            "content-length": str(len(body)),
            **{name.replace("_", "-"): v for name, v in headers.items()},
        }
        return Sent("PUT", "/b/k", "", tuple(lines.items()), body)

    def test_a_plain_body(self, world: World) -> None:
        assert receive(world, self.sent(b"data"))[0] == b"data"

    def test_a_hash_is_held_to(self, world: World) -> None:
        good = hashlib.sha256(b"data").hexdigest()
        assert receive(world, self.sent(b"data", x_amz_content_sha256=good))[0] == b"data"
        assert broken(world, self.sent(b"Data", x_amz_content_sha256=good)).code == "XAmzContentSHA256Mismatch"

    @pytest.mark.parametrize("named", [True, False])
    def test_unsigned_chunks_as_botocore_sends_them_without_a_signature(self, world: World, named: bool) -> None:
        headers = {
            "content_encoding": "aws-chunked",
            "x_amz_decoded_content_length": "4",
            "x_amz_trailer": "x-amz-checksum-crc32",
        }
        if named:
            headers["x_amz_content_sha256"] = UNSIGNED_TRAILER
        wire = b"4\r\ndata\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
        assert receive(world, self.sent(wire, **headers)) == (b"data", 4, CRC)

    @pytest.mark.parametrize("mode", [SIGNED_CHUNKS, SIGNED_TRAILER])
    def test_signed_chunks_need_a_signature(self, world: World, mode: str) -> None:
        found = broken(world, self.sent(b"data", x_amz_content_sha256=mode))
        assert (found.code, found.status) == ("InvalidRequest", 400)

    def test_an_unknown_way(self, world: World) -> None:
        assert broken(world, self.sent(b"data", x_amz_content_sha256="x")).code == "InvalidArgument"


class TestSmallBodies:
    def read(self, world: World, sent: Sent, limit: int) -> bytes:
        return asyncio.run(read_all(enter(world, sent).payload(sent.request(10)), limit))

    @pytest.mark.parametrize("mode", MODES)
    def test_are_read_whole_up_to_a_limit(self, world: World, alice: Client, mode: str) -> None:
        sent = put(alice, b"x" * 100, mode)
        assert self.read(world, sent, 100) == b"x" * 100
        with pytest.raises(ServiceError) as caught:
            self.read(world, sent, 99)
        assert (caught.value.code, caught.value.status) == ("MaxMessageLengthExceeded", 400)

    def test_need_not_declare_their_length(self, world: World, alice: Client) -> None:
        assert self.read(world, put(alice, b"data", HASH, sized=False), 10) == b"data"
        assert self.read(world, alice.signer().send("GET", "/b"), 10) == b""

    def test_of_any_stream(self) -> None:
        assert asyncio.run(read_all(Bytes(b"data"), 4)) == b"data"
