"""Which service, which operation, which bucket, which key."""

from __future__ import annotations

import pytest
from tests.wire.requests import DOMAINS, FORM, refusal_of, request, s3, signed

from rolecall.message import ServiceError
from rolecall.wire.model import service
from rolecall.wire.route import needs_form, route, service_of, spoken_by

TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
MULTIPART = "multipart/form-data; boundary=b"


def refused(
    method: str, target: str, headers: dict[str, str] | None = None, *, host: str = "localhost"
) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        s3(method, target, headers, host=host)
    return caught.value


@pytest.mark.parametrize("name", ["iam", "sts", "s3", "cloudtrail"])
def test_the_scope_of_the_signature_wins(name: str) -> None:
    assert service_of(request("POST", "/", {"content-type": FORM}), name, DOMAINS) == name


@pytest.mark.parametrize("name", ["ec2", "", "IAM", "s3express", "iam\n"])
@pytest.mark.parametrize(
    ("method", "target", "headers", "code", "status", "message"),
    [
        (
            "GET",
            "/b/k",
            {"authorization": "x"},
            "AuthorizationHeaderMalformed",
            400,
            'The authorization header is malformed; incorrect service "{}". This endpoint belongs to "s3".',
        ),
        (
            "GET",
            "/b/k?X-Amz-Credential=x",
            {},
            "AuthorizationQueryParametersError",
            400,
            'Error parsing the X-Amz-Credential parameter; incorrect service "{}". This endpoint belongs to "s3".',
        ),
        (
            "POST",
            "/",
            {"authorization": "x", "content-type": FORM},
            "SignatureDoesNotMatch",
            403,
            "Credential should be scoped to correct service: 'iam' or 'sts'. This endpoint does not serve '{}'.",
        ),
        (
            "POST",
            "/",
            {"authorization": "x", "x-amz-target": "DynamoDB_20120810.GetItem"},
            "InvalidSignatureException",
            403,
            "Credential should be scoped to correct service: 'cloudtrail'. This endpoint does not serve '{}'.",
        ),
    ],
)
def test_a_service_that_is_not_served_is_refused_in_the_words_of_the_one_spoken_to(
    name: str, method: str, target: str, headers: dict[str, str], code: str, status: int, message: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        service_of(request(method, target, headers), name, DOMAINS)
    assert refusal_of(caught.value) == (code, status, message.format(name))


@pytest.mark.parametrize(
    ("method", "target", "headers", "host", "expected"),
    [
        ("POST", "/", {"content-type": FORM}, "localhost", "sts"),
        ("POST", "/", {"content-type": f"{FORM}; charset=utf-8"}, "localhost", "sts"),
        ("POST", "/?Version=2010-05-08", {"content-type": FORM}, "localhost", "iam"),
        ("POST", "/", {"content-type": FORM}, "bucket.localhost", "s3"),
        ("POST", "/bucket", {"content-type": FORM}, "localhost", "s3"),
        ("POST", "/", {"content-type": MULTIPART}, "localhost", "s3"),
        ("POST", "/", {}, "localhost", "s3"),
        ("GET", "/?Action=GetUser&Version=2010-05-08", {}, "localhost", "iam"),
        ("GET", "/?Version=2011-06-15&Action=GetCallerIdentity", {}, "localhost", "sts"),
        ("GET", "/?Action=GetUser", {}, "localhost", "s3"),
        ("GET", "/?XAction=GetUser&XVersion=2010-05-08", {}, "localhost", "s3"),
        ("GET", "/?Action=GetUser&Version=2010-05-08", {}, "b.localhost", "s3"),
        ("GET", "/b?Action=GetUser&Version=2010-05-08", {}, "localhost", "s3"),
        ("HEAD", "/?Action=GetUser&Version=2010-05-08", {}, "localhost", "s3"),
        ("GET", "/", {}, "localhost", "s3"),
        ("POST", "/", {"x-amz-target": TARGET}, "localhost", "cloudtrail"),
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.GetItem"}, "localhost", "cloudtrail"),
        ("GET", "/", {"x-amz-target": TARGET}, "localhost", "s3"),
        ("POST", "/b", {"x-amz-target": TARGET}, "localhost", "s3"),
    ],
)
def test_without_a_signature_the_head_tells_the_service(
    method: str, target: str, headers: dict[str, str], host: str, expected: str
) -> None:
    made = request(method, target, headers, host=host)
    assert service_of(made, None, DOMAINS) == spoken_by(made, DOMAINS) == expected


def test_only_posts_of_forms_and_json_are_read_before_authentication() -> None:
    assert needs_form("sts", request("POST", "/"))
    assert needs_form("cloudtrail", request("POST", "/"))
    assert not needs_form("sts", request("GET", "/?Action=GetCallerIdentity"))
    assert not needs_form("s3", request("POST", "/bucket"))


def test_an_unsigned_form_says_in_its_body_which_service_it_is_for() -> None:
    made = request("POST", "/", {"content-type": FORM})
    routed = route(made, "sts", b"Action=ListUsers&Version=2010-05-08", DOMAINS)
    assert (routed.service, routed.operation.name) == ("iam", "ListUsers")


def test_a_signed_form_is_of_the_service_it_was_signed_for() -> None:
    made = request("POST", "/", signed(**{"content-type": FORM}))
    with pytest.raises(ServiceError) as caught:
        route(made, "sts", b"Action=ListUsers&Version=2010-05-08", DOMAINS)
    assert refusal_of(caught.value) == (
        "InvalidAction",
        400,
        "Could not find operation ListUsers for version 2010-05-08",
    )


@pytest.mark.parametrize("target", [TARGET, "CloudTrail_20131101.LookupEvents"])
def test_a_target_names_an_operation_with_and_without_its_package(target: str) -> None:
    routed = route(request("POST", "/", signed(**{"x-amz-target": target})), "cloudtrail", b"{}", DOMAINS)
    assert routed.operation.name == "LookupEvents"


@pytest.mark.parametrize("target", ["", "LookupEvents", "x.LookupEvents", "CloudTrail_20131101.Nothing", f"{TARGET}.x"])
def test_a_target_that_names_nothing_is_refused(target: str) -> None:
    with pytest.raises(ServiceError) as caught:
        route(request("POST", "/", signed(**{"x-amz-target": target})), "cloudtrail", b"{}", DOMAINS)
    assert caught.value.code == "UnknownOperationException"


def test_every_operation_of_s3_has_a_place() -> None:
    """Also tried by botocore's own requests, in test_other_half; here by the model's URI alone."""
    missed = {}
    for name, operation in service("s3").operations.items():
        path, _, query = operation.uri.partition("?")
        target = path.replace("{Bucket}", "b").replace("{Key+}", "k")
        shape = operation.input
        required = [m for m in shape.members.values() if m.snake in shape.required] if shape else []
        parts = [query, *(f"{m.wire_name}=1" for m in required if m.location == "querystring")]
        headers = {m.wire_name: "x" for m in required if m.location == "header"}
        if name == "PostObject":
            headers["content-type"] = MULTIPART
        if name == "ListDirectoryBuckets":
            parts.append("max-directory-buckets=1")
        found = s3(operation.method, f"{target}?{'&'.join(part for part in parts if part)}", headers).operation.name
        if found != name:
            missed[name] = found
    assert missed == {}


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("GET", "/?x-id=ListBuckets", {}, "ListBuckets"),
        ("GET", "/b", {}, "ListObjects"),
        ("GET", "/b/", {}, "ListObjects"),
        ("GET", "/b?list-type=2", {}, "ListObjectsV2"),
        ("GET", "/b?unknown", {}, "ListObjects"),
        ("GET", "/b?prefix=policy", {}, "ListObjects"),
        ("GET", "/b?policy", {}, "GetBucketPolicy"),
        ("GET", "/b?policy=", {}, "GetBucketPolicy"),
        ("GET", "/b?%70olicy", {}, "GetBucketPolicy"),
        ("GET", "/b?lifecycle", {}, "GetBucketLifecycleConfiguration"),
        ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", {}, "GetBucketAnalyticsConfiguration"),
        ("GET", "/b/k", {}, "GetObject"),
        ("GET", "/b/k?x-id=GetObject", {}, "GetObject"),
        ("GET", "/b/k?versionId=1&partNumber=2", {}, "GetObject"),
        ("GET", "/b/k?uploadId=1", {}, "ListParts"),
        ("GET", "/b/k?tagging", {}, "GetObjectTagging"),
        ("HEAD", "/b", {}, "HeadBucket"),
        ("HEAD", "/b/k", {}, "HeadObject"),
        ("PUT", "/b", {}, "CreateBucket"),
        ("PUT", "/b/k", {}, "PutObject"),
        ("PUT", "/b/k", {"x-amz-copy-source": "/b/o"}, "CopyObject"),
        ("PUT", "/b/k", {"x-amz-copy-source": ""}, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x-amz-copy-source": "/b/o"}, "UploadPartCopy"),
        ("PUT", "/b/k?tagging", {"x-amz-copy-source": "/b/o"}, "PutObjectTagging"),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload"),
        ("POST", "/b?delete", {}, "DeleteObjects"),
        ("POST", "/b?delete", {"content-type": MULTIPART}, "DeleteObjects"),
        ("POST", "/b", {"content-type": MULTIPART}, "PostObject"),
        ("POST", "/b/", {"content-type": "Multipart/Form-Data; boundary=x"}, "PostObject"),
        ("POST", "/b/k?select&select-type=2", {}, "SelectObjectContent"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k", {}, "DeleteObject"),
        ("DELETE", "/b", {}, "DeleteBucket"),
    ],
)
def test_operations_of_s3_are_told_apart(method: str, target: str, headers: dict[str, str], expected: str) -> None:
    assert s3(method, target, headers).operation.name == expected


@pytest.mark.parametrize(
    ("method", "target", "code", "status"),
    [
        ("PATCH", "/b/k", "MethodNotAllowed", 405),
        ("OPTIONS", "/b/k", "MethodNotAllowed", 405),
        ("BREW", "/", "MethodNotAllowed", 405),
        ("POST", "/", "MethodNotAllowed", 405),
        ("DELETE", "/", "MethodNotAllowed", 405),
        ("POST", "/b/k", "MethodNotAllowed", 405),
        ("POST", "/b", "PreconditionFailed", 412),
        ("DELETE", "/b?versioning", "MethodNotAllowed", 405),
        ("DELETE", "/b?acl", "MethodNotAllowed", 405),
        ("HEAD", "/b?policy", "MethodNotAllowed", 405),
        ("PUT", "/b/k?torrent", "MethodNotAllowed", 405),
        ("GET", "/?policy", "MethodNotAllowed", 405),
        ("GET", "/b/k?policy", "InvalidRequest", 400),
        ("GET", "/b?retention", "InvalidRequest", 400),
        ("GET", "/b?acl&policy", "InvalidArgument", 400),
        ("POST", "/b/k?uploads&uploadId=u", "InvalidArgument", 400),
        ("GET", "/b?list-type=1", "InvalidArgument", 400),
        ("PUT", "/b/k?partNumber=1", "InvalidArgument", 400),
        ("PUT", "/b/k?uploadId=1", "InvalidArgument", 400),
        ("POST", "/b/k?select", "InvalidRequest", 400),
        ("POST", "/b/k?select&select-type=3", "InvalidArgument", 400),
        ("DELETE", "/b?inventory", "InvalidRequest", 400),
        ("PUT", "/b/k?annotation", "InvalidRequest", 400),
    ],
)
def test_what_no_operation_is_meant_by_is_refused_in_words_of_s3(
    method: str, target: str, code: str, status: int
) -> None:
    error = refused(method, target)
    assert (error.code, error.status) == (code, status)


def test_a_method_that_is_not_allowed_is_told_which_are() -> None:
    error = refused("PATCH", "/b/k")
    assert dict(error.headers) == {"allow": "DELETE, GET, HEAD, PUT"}
    assert error.fields == {"Method": "PATCH", "ResourceType": "OBJECT"}


def test_conflicting_subresources_are_named() -> None:
    error = refused("GET", "/b?versioning&acl")
    assert error.message == "Conflicting query string parameters: acl, versioning"
    assert error.fields == {"ArgumentName": "ResourceType", "ArgumentValue": "acl"}


@pytest.mark.parametrize(
    ("target", "bucket", "key"),
    [
        ("/b/k", "b", "k"),
        ("/b//k", "b", "/k"),
        ("/b///", "b", "//"),
        ("/a/../b/k", "a", "../b/k"),
        ("/a/%2e%2e/b/k", "a", "../b/k"),
        ("/a/%2e%2e%2fb%2fk", "a", "../b/k"),
        ("/a/%252e%252e/b", "a", "%2e%2e/b"),
        ("/a/./k", "a", "./k"),
        ("/a/..", "a", ".."),
        ("/b/a+b", "b", "a+b"),
        ("/b/a%2Bb%20c", "b", "a+b c"),
        ("/b/k%3FversionId=1", "b", "k?versionId=1"),
        ("/b/%C3%A9", "b", "é"),
        ("/b/é", "b", "é"),
        ("/b/k%00", "b", "k\0"),
        ("/b/%0A", "b", "\n"),
        ("/b/k/", "b", "k/"),
    ],
)
def test_a_key_is_what_the_client_wrote_decoded_once(target: str, bucket: str, key: str) -> None:
    """CVE-2026-54917: a path is never normalized, so no `..` leads into another bucket."""
    routed = s3("GET", target)
    assert (routed.bucket, routed.key, routed.operation.name) == (bucket, key, "GetObject")


@pytest.mark.parametrize(
    "target", ["/b/%ff", "/b/%c3%28", "/b/%", "/b/%4", "/b/%zz", "/%ff/k", "/b/\udcff", "/b?prefix=%ff"]
)
def test_a_path_that_is_no_utf8_is_refused(target: str) -> None:
    error = refused("GET", target)
    assert (error.code, error.status, error.message) == ("InvalidURI", 400, "Couldn't parse the specified URI.")


@pytest.mark.parametrize(
    "target", ["//k", "/a%2Fb/k", "/%2e%2e%2f/k", "/b%00/k", "/b c/k", "/%C3%A9/k", f"/{'b' * 256}"]
)
def test_a_bucket_that_no_bucket_can_be_called_is_refused(target: str) -> None:
    """CVE-2026-54917: a slash in a bucket's name would make another bucket's ARN of it."""
    assert refused("GET", target).code == "InvalidBucketName"


@pytest.mark.parametrize(
    ("host", "target", "expected"),
    [
        ("b.localhost", "/k", ("b", "k")),
        ("b.localhost:4500", "/k", ("b", "k")),
        ("B.LocalHost:4500", "/k", ("b", "k")),
        ("b.localhost.", "/k", ("b", "k")),
        ("my.dotted.bucket.localhost", "/a//k", ("my.dotted.bucket", "a//k")),
        ("b.s3.example.com", "/", ("b", None)),
        ("b.localhost", "/b/k", ("b", "b/k")),
        ("localhost", "/b/k", ("b", "k")),
        ("s3.example.com", "/b/k", ("b", "k")),
        ("example.com", "/b/k", ("b", "k")),
        ("b.example.com", "/b/k", ("b", "k")),
        ("xlocalhost", "/b/k", ("b", "k")),
        ("127.0.0.1:4500", "/b/k", ("b", "k")),
        ("[::1]:4500", "/b/k", ("b", "k")),
        ("[::1]", "/b/k", ("b", "k")),
        ("", "/b/k", ("b", "k")),
        ("a@evil/..", "/b/k", ("b", "k")),
    ],
)
def test_a_bucket_comes_from_the_host_only_under_a_base_domain(
    host: str, target: str, expected: tuple[str, str | None]
) -> None:
    """CVE-2026-54282: an odd Host names nothing."""
    routed = s3("GET", target, host=host)
    assert (routed.bucket, routed.key) == expected


@pytest.mark.parametrize("host", [".localhost", "a/b.localhost", "a b.localhost", "a%2fb.localhost", "a:1.localhost"])
def test_a_host_that_names_no_possible_bucket_is_refused(host: str) -> None:
    """CVE-2026-54282: nor does one under a base domain whose bucket could not exist."""
    assert refused("GET", "/k", host=host).code == "InvalidBucketName"


def test_the_query_is_read_once_and_handed_on() -> None:
    """versitygw 67aaa80d: two layers must not cut an encoded query differently."""
    routed = s3("GET", "/b/k?versionId=a%26b%3Dc&x=1+2%2B3&%76ersion=2")
    assert routed.query == {"versionId": "a&b=c", "x": "1 2+3", "version": "2"}
    encoded = s3("GET", "/b/k%3FversionId=1")
    assert (encoded.key, encoded.query) == ("k?versionId=1", {})


@pytest.mark.parametrize("query", ["versionId=1&versionId=2", "versionId=1&%76ersionId=2", "prefix&prefix", "acl&acl"])
def test_a_query_parameter_given_twice_is_refused(query: str) -> None:
    """CVE-2022-2385: which of two values counts must not be anybody's guess."""
    assert refused("GET", f"/b/k?{query}").code == "InvalidURI"
