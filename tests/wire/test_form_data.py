"""Forms taken apart: whole, cut anywhere, and broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata
from urllib3.fields import RequestField

from rolecall.message import ServiceError
from rolecall.wire.form_data import LARGEST_FIELDS, MOST_FIELDS, FormData, FormStream, boundary_of

TYPE = "multipart/form-data; boundary=XX"


def written(fields: Mapping[str, str], file: bytes = b"content", *, name: str = "a.txt", after: str = "") -> bytes:
    parts = [
        f'--XX\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()
    ]
    head = f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n'
    return "".join(parts).encode() + head.encode() + file + b"\r\n" + after.encode() + b"--XX--\r\n"


def parsed(body: bytes, *, piece: int = 7, content_type: str = TYPE) -> tuple[FormData, bytes]:
    form = FormData(content_type)
    file = b"".join(b"".join(form.feed(body[start : start + piece])) for start in range(0, len(body), piece))
    form.finish()
    return form, file


def refused(body: bytes, *, piece: int = 7) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        parsed(body, piece=piece)
    return caught.value


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\%'), min_size=1, max_size=10)


@given(
    fields=st.dictionaries(
        words.map(str.lower).filter(lambda name: name != "file" and name == name.lower()), words, max_size=4
    ),
    file=st.binary(max_size=200) | st.sampled_from([b"\r\n", b"\r\n--X", b"--XX", b"\r\n--", b"\r", b"\n--XX\r\n"]),
    piece=st.integers(1, 400),
)
def test_what_urllib3_writes_is_read_however_it_is_cut(fields: dict[str, str], file: bytes, piece: int) -> None:
    parts = []
    for name, value in fields.items():
        parts.append(RequestField(name, value))
        parts[-1].make_multipart()
    parts.append(RequestField("file", file, filename="photo.png"))
    parts[-1].make_multipart(content_type="image/png")
    body, content_type = encode_multipart_formdata(parts)
    form, read = parsed(body, piece=piece, content_type=content_type)
    assert form.fields == fields
    assert (form.file_name, form.file_type) == ("photo.png", "image/png")
    assert read == file


@given(
    file=st.lists(st.sampled_from([b"\r", b"\n", b"-", b"X", b"\r\n--X", b"Y"]), max_size=30).map(b"".join),
    piece=st.integers(1, 60),
)
def test_bytes_that_look_like_a_delimiter_and_are_none_belong_to_the_file(file: bytes, piece: int) -> None:
    if b"\r\n--XX" in b"\r\n" + file + b"\r\n":
        return
    assert parsed(written({"key": "a"}, file), piece=piece)[1] == file


def test_the_file_name_is_put_into_the_fields() -> None:
    for name in ("photo.png", "C:\\\\pictures\\\\photo.png", "/home/me/photo.png"):
        form, _ = parsed(written({"key": "user/${filename}"}, name=name))
        assert form.fields == {"key": "user/photo.png"}


def test_names_are_told_in_lower_case_and_cannot_come_twice() -> None:
    assert parsed(written({"Key": "a"}))[0].fields == {"key": "a"}
    assert refused(written({"Key": "a", "key": "b"})).code == "MalformedPOSTRequest"


def test_fields_after_the_file_are_left_out() -> None:
    after = '--XX\r\nContent-Disposition: form-data; name="acl"\r\n\r\npublic-read\r\n'
    form, file = parsed(written({"key": "a"}, after=after))
    assert form.fields == {"key": "a"}
    assert file == b"content"


@pytest.mark.parametrize("piece", [1, 7, 10000])
def test_a_form_cut_short_anywhere_is_refused(piece: int) -> None:
    body = written({"key": "a"})
    for length in range(len(body) - 2):
        assert refused(body[:length], piece=piece).code == "MalformedPOSTRequest"
    parsed(body[:-2], piece=piece)


@pytest.mark.parametrize("extra", [b"x", b"\r\n", b"--XX--", b"\r\n--XX\r\n"])
def test_nothing_may_follow_the_last_boundary(extra: bytes) -> None:
    assert refused(written({"key": "a"}) + extra).code == "MalformedPOSTRequest"


def test_a_form_has_a_file() -> None:
    body = b'--XX\r\nContent-Disposition: form-data; name="key"\r\n\r\na\r\n--XX--\r\n'
    assert refused(body).message == "POST requires exactly one file upload per request."
    assert refused(b"").code == "MalformedPOSTRequest"


@pytest.mark.parametrize(
    "body",
    [
        b"preamble\r\n--XX\r\n",
        b"--XXY\r\n",
        b"--YY\r\n",
        b"--XX\r\n\r\nno name\r\n--XX--",
        b'--XX\r\nContent-Disposition: attachment; name="a"\r\n\r\n\r\n--XX--',
        b"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--",
        b'--XX\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\n\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="a\r\n\r\n\r\n--XX--',
        b'--XX\r\nno colon\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"\r\n\r\n\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--XX--',
        b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--XX tail\r\n--XX--',
    ],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    """GHSA-v2ch-c8v8-fgr7: a malformed form crashed the server."""
    assert refused(body).code == "MalformedPOSTRequest"


def test_fields_are_bounded_in_size_and_number() -> None:
    """CVE-2026-53539: limits of forms were ignored."""
    assert parsed(written({"key": "a" * (LARGEST_FIELDS - 400)}), piece=1000)[1] == b"content"
    assert refused(written({"key": "a" * (LARGEST_FIELDS + 1)}), piece=1000).code == "MaxPostPreDataLengthExceededError"
    assert refused(written({"key": "a" * LARGEST_FIELDS * 3}), piece=10**6).code == "MaxPostPreDataLengthExceededError"
    assert refused(written({f"f{n}": "" for n in range(MOST_FIELDS + 1)}), piece=1000).code == "MalformedPOSTRequest"
    after = '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + "b" * LARGEST_FIELDS * 2 + "\r\n"
    assert refused(written({"key": "a"}, after=after), piece=1000).code == "MaxPostPreDataLengthExceededError"
    assert refused(b"--XX\r\nA: " + b"b" * 5000, piece=1000).code == "MalformedPOSTRequest"


def test_a_large_file_comes_out_as_it_goes_in() -> None:
    form = FormData(TYPE)
    form.feed(written({"key": "a"}, b"")[: -len("\r\n--XX--\r\n")])
    assert form.in_file
    for _ in range(20):
        out = sum(map(len, form.feed(b"x" * 65536)))
        assert out >= 65536 - 10


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain; boundary=a",
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'a' * 71}",
        "multipart/form-data; boundary=é",
    ],
)
def test_a_content_type_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(ServiceError) as caught:
        boundary_of(content_type)
    assert (caught.value.code, caught.value.status) in {("PreconditionFailed", 412), ("MalformedPOSTRequest", 400)}


def test_boundaries_may_be_quoted() -> None:
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b"') == b"a b"


@given(data=st.binary(max_size=200), piece=st.integers(1, 50))
def test_noise_makes_a_refusal_and_nothing_else(data: bytes, piece: int) -> None:
    for body in (data, b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data):
        assert refused(body, piece=piece).status == 400


def test_a_stream_gives_the_fields_before_it_has_read_the_file() -> None:
    body = written({"key": "a"}, b"x" * 5000)
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, len(body), 100):
            taken = start
            yield body[start : start + 100]

    async def read() -> tuple[Mapping[str, str], int, bytes]:
        stream = FormStream(TYPE, pieces())
        fields = await stream.head()
        before = taken
        return fields, before, b"".join([piece async for piece in stream.file()])

    fields, before, file = asyncio.run(read())
    assert fields == {"key": "a"}
    assert before < 300
    assert file == b"x" * 5000
