"""The form of the ARNs in a Resource element, as AWS's validator looks at it. Of two services it knows the shape."""

from __future__ import annotations

PARTITIONS = frozenset(
    {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*"}
)
_IAM_STARTS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
_IAM_UNLISTED = ("*", "root", "u2f/")
"""Taken by AWS though its text does not list them."""
_S3_REGIONAL = ("accesspoint/", "job/", "storage-lens/", "storage-lens-group/", "access-grants/", "async-request/")
"""Resources of S3 whose ARN holds a region and an account."""


def format_problem(resource: str) -> str | None:
    """Return AWS's text about a resource that is in the wrong form, or None."""
    if resource == "*":
        return None
    parts = resource.split(":", 5)
    if len(parts) == 1:
        return f'Resource {resource} must be in ARN format or "*".'
    if parts[1] not in PARTITIONS:
        return _bad_partition(resource)
    if len(parts) == 2:
        return "Resource vendor must be fully qualified and cannot contain regexes."
    service, region = parts[2], parts[3] if len(parts) > 3 else ""
    account, name = (parts[4], parts[5]) if len(parts) == 6 else ("", "*")
    if service == "iam":
        return _iam_problem(resource, region, name)
    outside = region or account not in {"", "*"}
    if service == "s3" and outside and not name.startswith(_S3_REGIONAL):
        return f"Resource {resource} can not contain region information."
    return None


def _iam_problem(resource: str, region: str, name: str) -> str | None:
    if region:
        return f"IAM resource {resource} cannot contain region information."
    if name in _IAM_UNLISTED or name.startswith((*_IAM_STARTS, "u2f/")):
        return None
    return f'IAM resource path must either be "*" or start with {", ".join(_IAM_STARTS)}.'


def _bad_partition(resource: str) -> str:
    """AWS shows the ARN completed: `*` for each missing part."""
    partition, *rest = resource.split(":", 5)[1:]
    shown = [*(rest if any(rest) else ()), "*", "*", "*", "*"][:4]
    return f'Partition "{partition}" is not valid for resource "arn:{partition}:{":".join(shown)}".'


def legacy_problem(resource: str) -> bool:
    """Tell whether AWS's older parser stumbles: an ARN without a service, or an incomplete one with an empty part."""
    if resource == "*":
        return False
    parts = resource.split(":", 5)
    return (len(parts) < 6 and "" in parts) or parts[2] == ""
