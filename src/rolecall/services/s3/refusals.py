"""S3's refusals in S3's words.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from rolecall.message import Headers, Request, ServiceError


def access_denied(message: str = "Access Denied") -> ServiceError:
    """Return the refusal that says nothing more."""
    return ServiceError("AccessDenied", message, 403)


def no_such_bucket(name: str) -> ServiceError:
    """Return the refusal for a bucket that does not exist."""
    return ServiceError("NoSuchBucket", "The specified bucket does not exist", 404, fields={"BucketName": name})


def no_such_setting(code: str, message: str, name: str) -> ServiceError:
    """Return the refusal for a setting that the bucket has not."""
    return ServiceError(code, message, 404, fields={"BucketName": name})


def no_such_key(key: str, headers: Headers = ()) -> ServiceError:
    """Return the refusal for an object that does not exist, or whose newest version is a delete marker."""
    return ServiceError("NoSuchKey", "The specified key does not exist.", 404, fields={"Key": key}, headers=headers)


def no_such_version(key: str, version_id: str) -> ServiceError:
    """Return the refusal for a version that does not exist."""
    fields = {"Key": key, "VersionId": version_id}
    return ServiceError("NoSuchVersion", "The specified version does not exist.", 404, fields=fields)


def no_such_upload(upload_id: str) -> ServiceError:
    """Return the refusal for a multipart upload that does not exist, or no longer."""
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or"
        " completed."
    )
    return ServiceError("NoSuchUpload", message, 404, fields={"UploadId": upload_id})


def invalid_argument(message: str, name: str, value: str) -> ServiceError:
    """Return the refusal of an argument's value."""
    return ServiceError("InvalidArgument", message, fields={"ArgumentName": name, "ArgumentValue": value})


def invalid_request(message: str) -> ServiceError:
    """Return the refusal of a request that contradicts itself or asks for what cannot be."""
    return ServiceError("InvalidRequest", message)


def malformed_xml() -> ServiceError:
    """Return the refusal of a body that is not the document asked for."""
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceError("MalformedXML", message)


def not_implemented(header: str, more: str = "") -> ServiceError:
    """Return the honest refusal of a header whose meaning is not built: nothing is taken and then ignored."""
    message = "A header you provided implies functionality that is not implemented"
    fields = {"Header": header} | ({"additionalMessage": more} if more else {})
    return ServiceError("NotImplemented", message, 501, fields=fields)


def refuse_encryption_header(request: Request) -> None:
    """Raise ServiceError InvalidArgument where a request on what is stored already says how to encrypt it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-encryption.html
    """
    name = "x-amz-server-side-encryption"
    value = request.header(name)
    if value is not None:
        raise invalid_argument(f"{name} header is not supported for this operation.", name, value)


def not_built(message: str) -> ServiceError:
    """Return the honest refusal of what is asked for in a body or by a value, and is not built."""
    return ServiceError("NotImplemented", message, 501)


def precondition_failed(condition: str) -> ServiceError:
    """Return the refusal of a request whose condition does not hold."""
    message = "At least one of the pre-conditions you specified did not hold"
    return ServiceError("PreconditionFailed", message, 412, fields={"Condition": condition})


def acl_not_supported() -> ServiceError:
    """Return the refusal of an ACL where the bucket owner owns everything and ACLs are off."""
    return ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def method_not_allowed(method: str, resource_type: str, headers: Headers = ()) -> ServiceError:
    """Return the refusal of a method that this kind of resource does not have."""
    message = "The specified method is not allowed against this resource."
    fields = {"Method": method, "ResourceType": resource_type}
    return ServiceError("MethodNotAllowed", message, 405, fields=fields, headers=headers)
