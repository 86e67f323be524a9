"""aws-chunked bodies: what comes out, and what never does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sigv4.signer import SIGNED_CHUNKS, SIGNED_TRAILER, STREAMING, UNSIGNED_TRAILER, Sent
from tests.sigv4.test_signature import NOW, S3

from rolecall.sigv4.chunked import LARGEST_SIGNED_CHUNK, Chain, ChunkedDecoder, decode
from rolecall.sigv4.problem import Problem, SignatureProblem
from rolecall.sigv4.signature import Payload, check, read

TRAILERS = {"x-amz-checksum-crc32": "AAAAAA=="}
KIB = 1024


def sent(body: bytes, mode: str, *, chunk: int = 8 * KIB, trailers: Mapping[str, str] | None = None) -> Sent:
    carried = {} if mode == SIGNED_CHUNKS else TRAILERS if trailers is None else trailers
    return S3.send("PUT", "/b/k", body=body, mode=mode, chunk=chunk, trailers=carried)


def decoder(wire: Sent, *, length: int | None = None) -> ChunkedDecoder:
    request = wire.request()
    signed = read(request, service="s3")
    assert signed is not None
    key = check(signed, request, "secret", now=NOW, service="s3")
    chain = None if signed.payload is Payload.UNSIGNED_TRAILER else Chain(signed, key)
    declared = int(wire.header("x-amz-decoded-content-length")) if length is None else length
    announced = [name for name in dict(wire.headers).get("x-amz-trailer", "").split(",") if name]
    return ChunkedDecoder(signed.payload, declared, chain=chain, announced=announced)


def decoded(
    wire: Sent, body: bytes, *, piece: int = 1000, length: int | None = None
) -> tuple[bytes, Mapping[str, str]]:
    reader = decoder(wire, length=length)
    out = b"".join(b"".join(reader.feed(body[start : start + piece])) for start in range(0, len(body), piece))
    reader.finish()
    return out, reader.trailers


def problem(wire: Sent, body: bytes, *, length: int | None = None) -> Problem:
    with pytest.raises(SignatureProblem) as caught:
        decoded(wire, body, length=length)
    return caught.value.kind


def feed_all(reader: ChunkedDecoder, body: bytes, out: list[bytes]) -> None:
    for start in range(0, len(body), 100):
        out += reader.feed(body[start : start + 100])
    reader.finish()


@given(
    size=st.integers(0, 40 * KIB),
    chunk=st.integers(8 * KIB, 20 * KIB),
    piece=st.integers(1, 30 * KIB),
    mode=st.sampled_from(STREAMING),
)
def test_what_went_in_comes_out_however_it_is_cut(size: int, chunk: int, piece: int, mode: str) -> None:
    body = bytes(index * 7 % 251 for index in range(size))
    wire = sent(body, mode, chunk=chunk)
    piece = max(piece, len(wire.body) // 200 + 1)
    assert decoded(wire, wire.body, piece=piece) == (body, {} if mode == SIGNED_CHUNKS else TRAILERS)


@given(data=st.data(), mode=st.sampled_from([SIGNED_CHUNKS, SIGNED_TRAILER]))
def test_one_flipped_bit_anywhere_in_signed_chunks_is_found(data: st.DataObject, mode: str) -> None:
    """CVE-2025-31489: streaming modes accepted any signature."""
    wire = sent(bytes(9 * KIB), mode)
    position = data.draw(st.integers(0, len(wire.body) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = wire.body[:position] + bytes([wire.body[position] ^ bit]) + wire.body[position + 1 :]
    try:
        out, trailers = decoded(wire, changed)
    except SignatureProblem:
        return
    # What framing ignores (the case of a size's digit or of a trailer's name) means the same.
    assert (out, trailers) == (bytes(9 * KIB), {} if mode == SIGNED_CHUNKS else TRAILERS)


@pytest.mark.parametrize("mode", [SIGNED_CHUNKS, SIGNED_TRAILER])
def test_data_of_a_chunk_comes_out_only_after_its_signature_held(mode: str) -> None:
    """CVE-2021-21390: chunk data was returned before its signature was checked."""
    body = b"a" * 8 * KIB + b"b" * 8 * KIB
    wire = sent(body, mode)
    corrupt = wire.body.replace(b"b" * 100, b"b" * 99 + b"c", 1)
    reader = decoder(wire)
    out: list[bytes] = []
    with pytest.raises(SignatureProblem) as caught:
        feed_all(reader, corrupt, out)
    assert caught.value.kind is Problem.CHUNK_MISMATCH
    assert b"".join(out) == b"a" * 8 * KIB


@pytest.mark.parametrize("mode", [SIGNED_CHUNKS, SIGNED_TRAILER])
def test_chunks_cannot_change_places_or_be_left_out(mode: str) -> None:
    body = b"a" * 8 * KIB + b"b" * 8 * KIB + b"c" * 8 * KIB
    wire = sent(body, mode)
    size = len(b"2000;chunk-signature=") + 64 + 2 + 8 * KIB + 2
    first, second, rest = wire.body[:size], wire.body[size : 2 * size], wire.body[2 * size :]
    assert problem(wire, second + first + rest) is Problem.CHUNK_MISMATCH
    assert problem(wire, first + rest) is Problem.CHUNK_MISMATCH
    assert problem(wire, first + first + rest) is Problem.CHUNK_MISMATCH


def test_a_chunk_of_another_request_does_not_fit() -> None:
    mine, other = sent(bytes(9000), SIGNED_CHUNKS), S3.send("PUT", "/b/other", body=bytes(9000), mode=SIGNED_CHUNKS)
    assert problem(mine, other.body) is Problem.CHUNK_MISMATCH


@pytest.mark.parametrize("mode", STREAMING)
def test_a_body_cut_short_anywhere_is_refused(mode: str) -> None:
    wire = sent(bytes(9 * KIB), mode)
    for length in [*range(120), *range(len(wire.body) - 200, len(wire.body))]:
        assert problem(wire, wire.body[:length]) is Problem.LENGTH


@pytest.mark.parametrize("mode", STREAMING)
@pytest.mark.parametrize("extra", [b"x", b"0\r\n\r\n", b"\r\n\r\n", b"\n"])
def test_nothing_may_follow_the_end(mode: str, extra: bytes) -> None:
    wire = sent(bytes(9 * KIB), mode)
    assert problem(wire, wire.body + extra) in {Problem.CHUNK_FRAMING, Problem.LENGTH}


@pytest.mark.parametrize("mode", STREAMING)
@pytest.mark.parametrize("by", [-1, 1, 10 * KIB])
def test_the_decoded_length_is_held_to(mode: str, by: int) -> None:
    wire = sent(bytes(9 * KIB), mode)
    assert problem(wire, wire.body, length=9 * KIB + by) is Problem.LENGTH


@pytest.mark.parametrize("mode", STREAMING)
def test_only_the_last_chunk_may_be_small(mode: str) -> None:
    wire = sent(bytes(9 * KIB), mode, chunk=8 * KIB - 1)
    assert problem(wire, wire.body) is Problem.CHUNK_SMALL
    wire = sent(b"tiny", mode)
    assert decoded(wire, wire.body)[0] == b"tiny"


def test_a_signed_chunk_too_large_to_be_held_back_is_refused_at_its_header() -> None:
    size = LARGEST_SIGNED_CHUNK + 1
    reader = decoder(sent(b"", SIGNED_CHUNKS), length=size)
    with pytest.raises(SignatureProblem) as caught:
        reader.feed(f"{size:x};chunk-signature={'0' * 64}\r\n".encode())
    assert caught.value.kind is Problem.CHUNK_LARGE


@pytest.mark.parametrize("mode", STREAMING)
@pytest.mark.parametrize(
    "header", [b"zz", b"", b"-1", b"0x10", b" 10", b"10 ", b"10;chunk-signature=", b"1" * 17, b"1" * 5000, b"10;a=b"]
)
def test_a_header_that_is_none_is_refused(mode: str, header: bytes) -> None:
    wire = sent(b"0123456789abcdef", mode)
    reader = decoder(wire)
    with pytest.raises(SignatureProblem) as caught:
        reader.feed(header + b"\r\n" + b"0123456789abcdef\r\n")
    assert caught.value.kind is Problem.CHUNK_FRAMING


def test_a_header_never_ends_unbounded() -> None:
    reader = decoder(sent(b"data", UNSIGNED_TRAILER))
    with pytest.raises(SignatureProblem):
        feed_all(reader, b"0" * 1000, [])


@pytest.mark.parametrize("mode", [SIGNED_CHUNKS, SIGNED_TRAILER])
def test_signed_chunks_need_their_signatures(mode: str) -> None:
    wire = sent(bytes(9 * KIB), mode)
    bare = sent(bytes(9 * KIB), UNSIGNED_TRAILER).body
    assert problem(wire, bare) is Problem.CHUNK_FRAMING


@pytest.mark.parametrize("mode", [SIGNED_TRAILER, UNSIGNED_TRAILER])
@pytest.mark.parametrize(
    "trailers",
    [
        {},
        {"x-amz-checksum-sha1": "other"},
        {**TRAILERS, "x-amz-checksum-sha1": "more"},
        {"x-amz-checksum-crc32": ""},
        {"x-amz-checksum-crc32": "a\rb"},
    ],
)
def test_the_trailers_that_come_are_those_that_were_announced(mode: str, trailers: Mapping[str, str]) -> None:
    wire = sent(b"data", mode)
    seed = wire.header("authorization")[-64:]
    body = S3.chunked(b"data", mode, seed, 8 * KIB, trailers)
    assert problem(wire, body) is Problem.TRAILER_MALFORMED


@pytest.mark.parametrize("mode", [SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_a_trailer_given_twice_or_without_bounds_is_refused(mode: str) -> None:
    wire = sent(b"data", mode)
    line = b"x-amz-checksum-crc32:AAAAAA==\r\n"
    assert problem(wire, wire.body.replace(line, line + line)) is Problem.TRAILER_MALFORMED
    assert (
        problem(wire, wire.body.replace(line, b"x-amz-checksum-crc32:" + b"A" * 9000 + b"\r\n"))
        is Problem.TRAILER_MALFORMED
    )


def test_a_signed_trailer_cannot_be_changed_or_come_unsigned() -> None:
    wire = sent(b"data", SIGNED_TRAILER)
    assert problem(wire, wire.body.replace(b"AAAAAA==", b"BBBBBB==")) is Problem.CHUNK_MISMATCH
    head, _, tail = wire.body.partition(b"x-amz-trailer-signature:")
    assert problem(wire, head + tail[66:]) is Problem.LENGTH
    assert problem(wire, head + b"\r\n" + tail[66:]) is Problem.TRAILER_MALFORMED


def test_the_trailer_may_be_set_apart_as_in_the_documentation() -> None:
    wire = sent(b"data", SIGNED_TRAILER)
    apart = wire.body.replace(b"AAAAAA==\r\n", b"AAAAAA==\n\r\n")
    assert decoded(wire, apart) == (b"data", TRAILERS)


def test_a_trailer_where_none_belongs_is_refused() -> None:
    wire = sent(b"data", SIGNED_CHUNKS)
    assert problem(wire, wire.body[:-2] + b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n") is Problem.CHUNK_FRAMING


def test_trailers_are_not_told_before_the_end() -> None:
    reader = decoder(sent(b"data", UNSIGNED_TRAILER))
    with pytest.raises(ValueError, match="after the end"):
        _ = reader.trailers


@given(data=st.binary(max_size=300), mode=st.sampled_from(STREAMING))
def test_noise_makes_a_problem_and_nothing_else(data: bytes, mode: str) -> None:
    reader = decoder(sent(b"0123456789", mode))
    with pytest.raises(SignatureProblem):
        feed_all(reader, b"a\r\n" + data, [])


def test_a_stream_ends_only_where_all_of_it_held() -> None:
    wire = sent(bytes(20 * KIB), SIGNED_CHUNKS)

    async def read_through(body: bytes) -> bytes:
        pieces = Sent("PUT", "/", "", (), body).request(piece=777).body.chunks()
        return b"".join([data async for data in decode(pieces, decoder(wire))])

    assert asyncio.run(read_through(wire.body)) == bytes(20 * KIB)
    with pytest.raises(SignatureProblem):
        asyncio.run(read_through(wire.body[:-1]))
