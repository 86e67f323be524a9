"""Objects from browsers' forms: the policy decides, the path names the bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.services.s3.raw import Answer, exchange, signer
from tests.services.s3.served import policy, refused
from tests.serving import Credentials, Server

BOUNDARY = "----boundary7MA4YWxk"


def expiration(minutes: int = 10) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def post(server: Server, bucket: str, fields: dict[str, str], content: bytes = b"content") -> Answer:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    body = b"".join(parts)
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "content-length": str(len(body))}
    return exchange(server, "POST", f"/{bucket}", headers, body)


def form(
    server: Server, bucket: str, *conditions: object, who: Credentials | None = None, **fields: str
) -> dict[str, str]:
    said = {name.replace("_", "-"): value for name, value in fields.items()}
    return signer(server, who).form([{"bucket": bucket}, *conditions], expiration(), {"key": "k", **said})


@pytest.mark.parametrize("size", [0, 7, 300_000])
def test_a_form_makes_an_object(server: Server, s3: Any, bucket: str, size: int) -> None:
    answer = post(server, bucket, form(server, bucket, Content_Type="image/jpeg", x_amz_meta_a="b"), b"x" * size)
    assert answer.status == 204
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"x" * size, "image/jpeg", {"a": "b"})
    assert answer.headers["etag"] == got["ETag"]


def test_a_form_says_how_its_answer_looks(server: Server, bucket: str) -> None:
    created = post(server, bucket, form(server, bucket, success_action_status="201") | {})
    assert created.status == 204, "the field is spelled with underscores"
    fields = signer(server).form([{"bucket": bucket}], expiration(), {"key": "k", "success_action_status": "201"})
    created = post(server, bucket, fields)
    assert (created.status, created.field("Key"), created.field("Bucket")) == (201, "k", bucket)
    fields = signer(server).form(
        [{"bucket": bucket}], expiration(), {"key": "k", "success_action_redirect": "https://example.com/done?x=1"}
    )
    sent = post(server, bucket, fields)
    assert sent.status == 303
    assert sent.headers["location"].startswith(f"https://example.com/done?x=1&bucket={bucket}&key=k&etag=")


def test_the_filename_is_put_into_the_key(server: Server, s3: Any, bucket: str) -> None:
    fields = signer(server).form([{"bucket": bucket}, ["starts-with", "$key", "up/"]], expiration(), {})
    assert post(server, bucket, {"key": "up/${filename}", **fields}).status == 204
    assert s3.get_object(Bucket=bucket, Key="up/photo.jpg")["Body"].read() == b"content"


def test_a_forms_bucket_field_is_not_the_bucket(server: Server, s3: Any, bucket: str) -> None:
    """CVE-2023-43040: the policy's bucket is held against the path, whatever the form says."""
    s3.create_bucket(Bucket=f"{bucket}-other")
    fields = form(server, f"{bucket}-other") | {"bucket": f"{bucket}-other"}
    assert post(server, bucket, fields).code == "AccessDenied"
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404
    assert refused(s3.head_object, Bucket=f"{bucket}-other", Key="k")["Status"] == 404


@pytest.mark.parametrize(
    ("condition", "changes", "code"),
    [
        (["content-length-range", 1, 5], {}, "EntityTooLarge"),
        (["content-length-range", 50, 60], {}, "EntityTooSmall"),
        (["starts-with", "$key", "other/"], {}, "AccessDenied"),
        (["eq", "$Content-Type", "image/png"], {"Content-Type": "text/html"}, "AccessDenied"),
        (["starts-with", "$x-amz-meta-a", "b"], {"x-amz-meta-a": "c"}, "AccessDenied"),
        ({"acl": "private"}, {"acl": "public-read"}, "AccessDenied"),
    ],
)
def test_each_condition_of_a_form_is_enforced(
    server: Server, s3: Any, bucket: str, condition: object, changes: dict[str, str], code: str
) -> None:
    """GHSA-w5fh-f8xh-5x3p, CVE-2023-28434."""
    fields = {"key": "k"} | changes
    signed = signer(server).form([{"bucket": bucket}, {"key": "k"}, condition], expiration(), {})
    answer = post(server, bucket, {**fields, **signed})
    assert answer.code == code
    assert refused(s3.head_object, Bucket=bucket, Key="k")["Status"] == 404


def test_the_signer_of_a_form_needs_the_right(server: Server, s3: Any, bucket: str) -> None:
    limited = server.user(
        f"forms-{bucket}",
        policy({"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}),
    )
    assert post(server, bucket, form(server, bucket, who=limited)).code == "AccessDenied"
    fields = signer(server, limited).form([{"bucket": bucket}], expiration(), {"key": "mine/k"})
    assert post(server, bucket, fields).status == 204
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    tagged = signer(server, limited).form([{"bucket": bucket}], expiration(), {"key": "mine/k", "tagging": tags})
    assert "s3:PutObjectTagging" in post(server, bucket, tagged).field("Message")
    tagged = signer(server).form([{"bucket": bucket}], expiration(), {"key": "mine/k", "tagging": tags})
    assert post(server, bucket, tagged).status == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="mine/k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_an_unsigned_form_is_nobodys(server: Server, bucket: str) -> None:
    assert post(server, bucket, {"key": "k"}).code == "AccessDenied"


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..%2f..", "\\..\\x"])
def test_a_forms_key_escapes_nowhere(server: Server, s3: Any, bucket: str, key: str) -> None:
    """GHSA-v2ch-c8v8-fgr7."""
    fields = signer(server).form([{"bucket": bucket}], expiration(), {"key": key})
    assert post(server, bucket, fields).status == 204
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_a_form_that_is_broken_is_refused_and_not_a_500(server: Server, bucket: str) -> None:
    """GHSA-v2ch-c8v8-fgr7."""
    good = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'.encode()
    for body in (
        b"",
        b"--",
        b"not a form",
        good,
        good[:-5],
        good * 2000,
        f"--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--{BOUNDARY}--\r\n'.encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        good + f"--{BOUNDARY}\r\n".encode() + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
    ):
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "content-length": str(len(body))}
        assert 400 <= exchange(server, "POST", f"/{bucket}", headers, body).status < 500
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 300):
        headers = {"content-type": kind, "content-length": str(len(good))}
        assert 400 <= exchange(server, "POST", f"/{bucket}", headers, good).status < 500


@pytest.mark.parametrize("name", ["a b", "a: b", "a\u00e9", "a(b)", 'a"b'])
def test_metadata_that_no_header_could_carry_makes_no_object_that_nobody_can_read(
    server: Server, s3: Any, bucket: str, name: str
) -> None:
    """A field may have any name; as a header of every later answer it would break each of them."""
    fields = signer(server).form([{"bucket": bucket}], expiration(), {"key": "k", f"x-amz-meta-{name}": "v"})
    spelled = {key.replace('"', "%22"): value for key, value in fields.items()}
    answer = post(server, bucket, spelled)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
