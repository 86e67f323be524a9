"""S3's protocol: headers, queries and documents in, headers and documents out, refusals in S3's words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from botocore import parsers
from tests.wire.requests import DOMAINS, refusal_of, request, s3, s3_parameters, text

from rolecall.message import FileBody, ServiceError
from rolecall.wire import rest_xml
from rolecall.wire.model import service
from rolecall.wire.rest_input import MALFORMED_XML
from rolecall.wire.routed import Addressee, Routed
from rolecall.wire.s3_routes import route

S3 = "http://s3.amazonaws.com/doc/2006-03-01/"
DATE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
DELETE = b"<Delete><Object><Key>a</Key></Object></Delete>"


def refused(method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        s3_parameters(method, target, headers, body)
    return caught.value


def answered(operation: str, result: dict[str, object]) -> tuple[int, dict[str, str], object]:
    routed = Routed("s3", service("s3").operations[operation])
    response = rest_xml.answer(routed, result, request_id="R", host_id="H")
    headers = dict(response.headers)
    assert len(headers) == len(response.headers)
    assert headers.pop("x-amz-request-id") == "R"
    assert headers.pop("x-amz-id-2") == "H"
    return response.status, headers, response.body


def test_headers_are_read_into_their_types() -> None:
    headers = {
        "X-Amz-Meta-Color": "blue",
        "x-amz-meta-size": "1",
        "Content-Type": "text/plain",
        "Expires": "next week",
        "x-amz-object-lock-retain-until-date": "2030-01-02T03:04:05.678Z",
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
        "Content-Length": "12",
    }
    assert s3_parameters("PUT", "/b/k", headers) == {
        "bucket": "b",
        "key": "k",
        "metadata": {"color": "blue", "size": "1"},
        "content_type": "text/plain",
        "expires": "next week",
        "object_lock_retain_until_date": datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "bucket_key_enabled": True,
        "content_length": 12,
    }


@pytest.mark.parametrize(
    "written",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 09:49:37 +0100",
        "1994-11-06T08:49:37Z",
        "1994-11-06T09:49:37.000+01:00",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_every_form_of_a_date_is_read(written: str) -> None:
    assert s3_parameters("GET", "/b/k", {"if-modified-since": written})["if_modified_since"] == DATE


@pytest.mark.parametrize(
    "written", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "9" * 400, "2020-13-01", "0000-00-00"]
)
def test_a_condition_whose_date_cannot_be_read_is_no_condition(written: str) -> None:
    assert "if_modified_since" not in s3_parameters("GET", "/b/k", {"if-modified-since": written})


@pytest.mark.parametrize(
    ("method", "target", "headers", "message", "name"),
    [
        ("GET", "/b?max-keys=many", {}, "Provided max-keys not an integer or within integer range", "max-keys"),
        ("GET", "/b?max-keys=", {}, "Provided max-keys not an integer or within integer range", "max-keys"),
        ("GET", "/b?max-keys=2147483648", {}, "Provided max-keys not an integer or within integer range", "max-keys"),
        ("GET", "/b?list-type=2&fetch-owner=yes", {}, "Provided fetch-owner is neither true nor false", "fetch-owner"),
        (
            "PUT",
            "/b/k",
            {"x-amz-object-lock-retain-until-date": "soon"},
            "The retain until date must be provided in ISO 8601 format",
            "x-amz-object-lock-retain-until-date",
        ),
    ],
)
def test_a_malformed_argument_is_named(
    method: str, target: str, headers: dict[str, str], message: str, name: str
) -> None:
    error = refused(method, target, headers)
    assert refusal_of(error) == ("InvalidArgument", 400, message)
    assert error.fields["ArgumentName"] == name


def test_what_an_operation_requires_is_missed_by_name() -> None:
    assert refusal_of(refused("GET", "/b/k?attributes")) == (
        "InvalidRequest",
        400,
        "Missing required header for this request: x-amz-object-attributes",
    )
    assert refusal_of(refused("DELETE", "/b?analytics")) == (
        "InvalidRequest",
        400,
        "Missing required parameter for this request: 'id'",
    )


def test_every_header_may_be_empty() -> None:
    """CVE-2024-47866: an empty header broke a server; each must be read or refused, in every operation."""
    for operation in service("s3").operations.values():
        shape = operation.input
        assert shape is not None
        names = [m.wire_name.lower() for m in shape.members.values() if m.location in {"header", "headers"}]
        query = {m.wire_name: "1" for m in shape.members.values() if m.location == "querystring"}
        for name in names:
            with suppress(ServiceError):
                rest_xml.read(operation, {"Bucket": "b", "Key": "k"}, query, {name: ""}, DELETE)


def test_an_empty_copy_source_reaches_the_operation() -> None:
    """CVE-2024-47866: the header that crashed it."""
    assert s3_parameters("PUT", "/b/k", {"x-amz-copy-source": ""})["copy_source"] == ""


def test_a_copy_source_is_handed_on_as_written() -> None:
    """CVE-2026-55874: `..` in it is decoded and judged by the service, on the bytes that it opens."""
    source = "/a/%2e%2e/b/k?versionId=%31"
    assert s3_parameters("PUT", "/b/k", {"x-amz-copy-source": source})["copy_source"] == source


def test_a_range_of_ten_thousand_parts_is_one_text() -> None:
    """CVE-2025-62727: the wire does nothing with a Range but hand it on."""
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))
    assert s3_parameters("GET", "/b/k", {"range": ranges})["range"] == ranges


def test_a_key_of_1024_bytes_is_the_longest() -> None:
    assert s3_parameters("GET", f"/b/{'k' * 1024}")["key"] == "k" * 1024
    error = refused("GET", f"/b/{'k' * 1023}é")
    assert refusal_of(error) == ("KeyTooLongError", 400, "Your key is too long")
    assert error.fields == {"Size": "1025", "MaxSizeAllowed": "1024"}


def test_a_document_is_read_with_and_without_a_namespace() -> None:
    expected = {
        "bucket": "b",
        "delete": {"objects": [{"key": "a & b", "version_id": "1"}, {"key": "c"}], "quiet": True},
    }
    inner = (
        "<{p}Object><{p}Key>a &amp; b</{p}Key><{p}VersionId>1</{p}VersionId></{p}Object><{p}Unknown><{p}Key/></{p}Unknown>"
        "<{p}Object>\n <{p}Key><![CDATA[c]]></{p}Key>\n</{p}Object><{p}Quiet>true</{p}Quiet>"
    )
    for opening, closing, prefix in (
        ("<Delete>", "</Delete>", ""),
        (f'<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="{S3}">', "</Delete>", ""),
        (f'<s3:Delete xmlns:s3="{S3}" other="x">', "</s3:Delete>", "s3:"),
    ):
        body = opening + inner.format(p=prefix) + closing
        assert s3_parameters("POST", "/b?delete", {}, body.encode()) == expected


@pytest.mark.parametrize(("written", "value"), [("true", True), ("TRUE", True), (" False\n", False)])
def test_booleans_are_read_in_any_case(written: str, value: bool) -> None:
    body = (
        f"<PublicAccessBlockConfiguration><BlockPublicAcls>{written}</BlockPublicAcls></PublicAccessBlockConfiguration>"
    )
    found = s3_parameters("PUT", "/b?publicAccessBlock", {}, body.encode())["public_access_block_configuration"]
    assert found == {"block_public_acls": value}
    headers = {"x-amz-bypass-governance-retention": written.strip()}
    assert s3_parameters("DELETE", "/b/k", headers)["bypass_governance_retention"] is value


def test_an_attribute_is_read_whatever_its_prefix() -> None:
    body = (
        '<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
        ' x:type="CanonicalUser"><ID>1</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>'
        "</AccessControlPolicy>"
    )
    found = s3_parameters("PUT", "/b?acl", {}, body.encode())["access_control_policy"]
    assert found == {"grants": [{"grantee": {"id": "1", "type": "CanonicalUser"}, "permission": "READ"}]}


def entity_bomb() -> bytes:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE d [<!ENTITY e0 "x">{levels}]><Delete><Object><Key>&e9;</Key></Object></Delete>'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"<Delete/><Delete/>",
        b"not xml",
        b"\xff\xfe",
        b"<Delete><Object></Delete>",
        b"<Wrong><Object><Key>a</Key></Object></Wrong>",
        b"<Delete><Object><Key><b/></Key></Object></Delete>",
        b"<Delete><Object/></Delete>",
        b"<Delete></Delete>",
        b"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        b"<Delete><Object><Key>a</Key></Object><Quiet>maybe</Quiet></Delete>",
        b"<Delete><Object><Key>\x08</Key></Object></Delete>",
        b"<Delete><Object><Key>&unknown;</Key></Object></Delete>",
        b'<?xml version="1.0" encoding="nonsense"?>' + DELETE,
        b'<!DOCTYPE Delete SYSTEM "http://127.0.0.1/x">' + DELETE,
        b"<!DOCTYPE Delete>" + DELETE,
        b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
        entity_bomb(),
        b"<Delete>" + b"<a>" * 100 + b"</a>" * 100 + DELETE[8:],
        b"<a>" * 1_000_000,
        b"<Delete>" + b"<a/>" * 100_000 + DELETE[8:],
        b" " * (8 * 1024 * 1024) + DELETE,
    ],
)
def test_a_document_that_is_not_plainly_one_is_malformed(body: bytes) -> None:
    """CVE-2016-10127, CVE-2026-41066: no document type, no entities, no bottomless nesting."""
    assert refusal_of(refused("POST", "/b?delete", {}, body)) == ("MalformedXML", 400, MALFORMED_XML)


def test_a_document_that_is_not_there_is_missed_only_where_it_is_required() -> None:
    assert refusal_of(refused("POST", "/b?delete", {}, b"")) == (
        "MissingRequestBodyError",
        400,
        "Request Body is empty",
    )
    assert refused("PUT", "/b?object-lock", {}, b"").code == "MissingRequestBodyError"
    assert s3_parameters("PUT", "/b", {}, b"") == {"bucket": "b"}
    assert s3_parameters("POST", "/b/k?uploadId=u", {}, b"") == {"bucket": "b", "key": "k", "upload_id": "u"}


def test_a_policy_is_handed_on_as_text() -> None:
    assert s3_parameters("PUT", "/b?policy", {}, "{é}".encode())["policy"] == "{é}"
    assert s3_parameters("PUT", "/b?policy", {}, b"")["policy"] == ""
    assert refused("PUT", "/b?policy", {}, b"\xff").code == "InvalidRequest"


def test_a_stream_is_left_alone() -> None:
    assert s3_parameters("PUT", "/b/k", {}, None) == {"bucket": "b", "key": "k"}


def test_form_fields_never_say_which_bucket() -> None:
    """CVE-2023-43040: a form field `bucket` must not override the bucket of the request."""
    routed = s3("POST", "/b", {"content-type": "multipart/form-data; boundary=x"})
    fields = {
        "Bucket": "other",
        "bucket": "other",
        "key": "k/${filename}",
        "ACL": "private",
        "Content-Type": "text/plain",
        "X-Amz-Meta-Color": "blue",
        "tagging": "<Tagging/>",
        "success_action_status": "201",
        "x-amz-storage-class": "STANDARD",
        "file": "x",
    }
    assert rest_xml.parse_form(routed, fields) == {
        "bucket": "b",
        "key": "k/${filename}",
        "acl": "private",
        "content_type": "text/plain",
        "metadata": {"color": "blue"},
        "tagging": "<Tagging/>",
        "success_action_status": "201",
        "storage_class": "STANDARD",
    }


def test_the_head_of_a_form_post_gives_only_its_bucket() -> None:
    headers = {"content-type": "multipart/form-data; boundary=x", "x-amz-meta-color": "red", "key": "other"}
    assert s3_parameters("POST", "/b", headers, None) == {"bucket": "b"}


def test_an_object_is_answered_with_its_headers() -> None:
    result: dict[str, object] = {
        "body": b"abc",
        "content_length": 3,
        "last_modified": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
        "e_tag": '"etag"',
        "metadata": {"color": "blue"},
        "delete_marker": False,
        "expires": "next week",
        "object_lock_retain_until_date": datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        "version_id": None,
    }
    status, headers, body = answered("GetObject", result)
    assert (status, body) == (200, b"abc")
    assert headers == {
        "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT",
        "etag": '"etag"',
        "x-amz-meta-color": "blue",
        "x-amz-delete-marker": "false",
        "expires": "next week",
        "x-amz-object-lock-retain-until-date": "2026-01-02T03:04:05.678Z",
    }


def test_the_length_is_said_where_whoever_sends_cannot_know_it() -> None:
    file = FileBody("/x", 5)
    assert answered("GetObject", {"body": file, "content_length": 5}) == (200, {"content-length": "5"}, file)
    assert answered("HeadObject", {"content_length": 5}) == (200, {"content-length": "5"}, b"")


def test_a_stream_goes_out_as_it_is() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    body = pieces()
    assert answered("GetObject", {"body": body})[2] is body


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
def test_a_part_of_an_object_is_answered_with_206(operation: str) -> None:
    status, headers, _ = answered(operation, {"content_range": "bytes 0-0/9", "content_length": 1})
    assert (status, headers["content-range"]) == (206, "bytes 0-0/9")


@pytest.mark.parametrize(
    ("operation", "result", "status", "document"),
    [
        ("DeleteObject", {}, 204, None),
        ("CreateBucket", {"location": "/b"}, 200, None),
        ("GetBucketVersioning", {}, 200, f'<VersioningConfiguration xmlns="{S3}"></VersioningConfiguration>'),
        ("GetBucketLocation", {}, 200, f'<LocationConstraint xmlns="{S3}"/>'),
        (
            "GetBucketLocation",
            {"location_constraint": "eu-west-1"},
            200,
            f'<LocationConstraint xmlns="{S3}">eu-west-1</LocationConstraint>',
        ),
        (
            "CopyObject",
            {"copy_object_result": {"e_tag": '"1"', "last_modified": DATE}},
            200,
            (
                f'<CopyObjectResult xmlns="{S3}"><ETag>&quot;1&quot;</ETag>'
                "<LastModified>1994-11-06T08:49:37.000Z</LastModified></CopyObjectResult>"
            ),
        ),
        (
            "ListObjectsV2",
            {"name": "b", "contents": [{"key": "a"}, {"key": "b"}], "common_prefixes": [], "is_truncated": False},
            200,
            (
                f'<ListBucketResult xmlns="{S3}"><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents><Contents>'
                "<Key>b</Key></Contents><Name>b</Name></ListBucketResult>"
            ),
        ),
        (
            "GetBucketAcl",
            {"grants": [{"grantee": {"type": "CanonicalUser", "id": "1"}, "permission": "READ"}]},
            200,
            (
                f'<AccessControlPolicy xmlns="{S3}"><AccessControlList><Grant>'
                '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID></Grantee>'
                "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
            ),
        ),
        ("PostObject", {"location": "/b/k"}, 204, None),
        (
            "PostObject",
            {"status_code": 201, "post_response": {"bucket": "b", "key": "k"}},
            201,
            "<PostResponse><Bucket>b</Bucket><Key>k</Key></PostResponse>",
        ),
    ],
)
def test_documents_are_spelled_as_s3_spells_them(
    operation: str, result: dict[str, object], status: int, document: str | None
) -> None:
    found, headers, body = answered(operation, result)
    assert found == status
    if document is None:
        assert body == b""
        assert "content-type" not in headers
    else:
        assert body == f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'.encode()
        assert headers["content-type"] == "application/xml"


def test_a_policy_is_answered_as_json() -> None:
    assert answered("GetBucketPolicy", {"policy": "{}"}) == (200, {"content-type": "application/json"}, b"{}")


def test_every_root_element_is_s3s_own() -> None:
    """The roots that other servers' suites and strict SDKs look at."""
    roots = {
        "ListBuckets": "ListAllMyBucketsResult",
        "ListObjectVersions": "ListVersionsResult",
        "ListParts": "ListPartsResult",
        "CreateMultipartUpload": "InitiateMultipartUploadResult",
        "CompleteMultipartUpload": "CompleteMultipartUploadResult",
        "DeleteObjects": "DeleteResult",
        "GetObjectTagging": "Tagging",
        "GetBucketCors": "CORSConfiguration",
        "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    }
    for operation, root in roots.items():
        _, _, body = answered(operation, {})
        assert isinstance(body, bytes)
        assert f"\n<{root} xmlns=" in body.decode()
    for name, operation_model in service("s3").operations.items():
        if operation_model.output is not None:
            _, _, body = answered(name, {})
            assert b"Output" not in body or name == "ListBucketIntelligentTieringConfigurations"


def test_characters_that_xml_has_not_are_written_as_references() -> None:
    _, _, body = answered("ListObjects", {"contents": [{"key": "\x08\r\x1f\n\ufffe\ud800é&"}]})
    assert isinstance(body, bytes)
    assert "<Key>&#x8;&#xD;&#x1F;\n&#xFFFE;\ufffdé&amp;</Key>".encode() in body
    readable = answered("ListObjects", {"contents": [{"key": "a\r\n\tb"}]})[2]
    parsed = parsers.create_parser("rest-xml")._parse_xml_string_to_dom(readable)
    assert [element.text for element in parsed.iter(f"{{{S3}}}Key")] == ["a\r\n\tb"]


def test_no_value_ends_its_header_line() -> None:
    """CVE-2020-10753, CVE-2021-3524: CR and LF in a stored value must not make a header of it."""
    result: dict[str, object] = {
        "metadata": {"a": "x\r\nset-cookie: y"},
        "content_type": "text/plain\r\n\r\n<script>",
        "website_redirect_location": "/\u2028\u00e9\x00\x7f",
    }
    _, headers, _ = answered("HeadObject", result)
    assert headers["x-amz-meta-a"] == "x  set-cookie: y"
    assert headers["content-type"] == "text/plain    <script>"
    for name, value in headers.items():
        assert not set(name + value) & set("\r\n\0")
        value.encode("latin-1")


def test_a_refusal_is_spelled_as_s3_spells_it() -> None:
    error = ServiceError(
        "NoSuchKey", "The <key>", 404, fields={"Key": "a&b"}, headers=(("x-amz-delete-marker", "true"),)
    )
    response = rest_xml.refuse(error, Addressee("s3", "R", "H"))
    assert response.status == 404
    assert dict(response.headers) == {
        "content-type": "application/xml",
        "x-amz-request-id": "R",
        "x-amz-id-2": "H",
        "x-amz-delete-marker": "true",
    }
    assert text(response) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The &lt;key&gt;</Message>'
        "<Key>a&amp;b</Key><RequestId>R</RequestId><HostId>H</HostId></Error>"
    )


def test_a_refusal_of_head_has_no_body() -> None:
    response = rest_xml.refuse(ServiceError("NoSuchKey", "x", 404), Addressee("s3", "R", "H", head=True))
    assert (response.status, response.body) == (404, b"")


def test_not_modified_has_no_body_and_keeps_its_headers() -> None:
    error = ServiceError("NotModified", "Not Modified", 304, headers=(("etag", '"1"'),))
    response = rest_xml.refuse(error, Addressee("s3", "R", "H"))
    assert (response.status, response.body) == (304, b"")
    assert dict(response.headers)["etag"] == '"1"'
    assert "content-type" not in dict(response.headers)


def test_one_reader_of_the_path_serves_parse_and_route() -> None:
    """versitygw 67aaa80d: what route decoded is what the operation gets."""
    made = request("GET", "/b/a%252Fb?versionId=%2526")
    routed = route(made, DOMAINS)
    assert rest_xml.parse(routed, made, None) == {"bucket": "b", "key": "a%2Fb", "version_id": "%26"}
