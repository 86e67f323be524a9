"""Buckets come, are found, and go."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import (
    OWNER_ENFORCED,
    Bucket,
    BucketExists,
    BucketHoldsObjects,
    create_bucket,
    list_buckets,
    remove_bucket,
)
from rolecall.buckets.uploads import abort, uploads_in
from rolecall.identifiers import is_bucket_name
from rolecall.message import ServiceError
from rolecall.services.operation import Parameters, Result
from rolecall.services.s3.access import OfBucket, access, bucket_check, on_bucket
from rolecall.services.s3.context import ACL_MEMBERS, Keys, write_keys
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.listing_keys import place_of, token_of
from rolecall.services.s3.owners import owner_of
from rolecall.services.s3.ownership import CANNED_ACLS, OWNERSHIPS, BucketAcl
from rolecall.services.s3.refusals import invalid_argument, invalid_request, not_built
from rolecall.services.s3.table import operations
from rolecall.services.s3.tags import BUCKET_TAGS, Tag, tags_of
from rolecall.store.interface import Snapshot, Transaction

HOME_REGION = "us-east-1"
MOST_BUCKETS = 10_000

_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-[0-9]+")


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The document of CreateBucket."""

    location_constraint: str | None = None
    location: dict[str, str] | None = None
    bucket: dict[str, str] | None = None
    tags: tuple[Tag, ...] = ()


class CreateBucket(BucketAcl, frozen=True, kw_only=True):
    """Of CreateBucket."""

    create_bucket_configuration: Configuration = Configuration()
    object_lock_enabled_for_bucket: bool = False
    object_ownership: str | None = None
    bucket_namespace: str | None = None


class ListBuckets(Parameters, frozen=True, kw_only=True):
    """Of ListBuckets."""

    max_buckets: int | None = None
    continuation_token: str | None = None
    prefix: str | None = None
    bucket_region: str | None = None


def _create_checks(ask: Ask[CreateBucket]) -> Sequence[Check]:
    """The bucket is not there yet, so no policy guards it and the caller's account is the owner's."""
    parameters = ask.parameters
    arn = f"arn:aws:s3:::{parameters.bucket}"
    keys: Keys = write_keys(parameters)
    if parameters.create_bucket_configuration.location_constraint is not None:
        keys["s3:locationconstraint"] = parameters.create_bucket_configuration.location_constraint
    tags: Keys = {}
    for tag in parameters.create_bucket_configuration.tags:
        tags[f"aws:requesttag/{tag.key.lower()}"] = tag.value
    if tags:
        tags["aws:tagkeys"] = tuple(tag.key for tag in parameters.create_bucket_configuration.tags)
    asked: list[tuple[str, Keys]] = [("CreateBucket", keys | tags)]
    if parameters.acl not in {None, "private"} or parameters.grants:
        asked.append(("PutBucketAcl", write_keys(parameters, ACL_MEMBERS)))
    if parameters.object_lock_enabled_for_bucket:
        asked += [("PutBucketObjectLockConfiguration", {}), ("PutBucketVersioning", {})]
    if parameters.object_ownership is not None:
        asked.append(("PutBucketOwnershipControls", {}))
    if tags:
        asked.append(("TagResource", tags))
    return [Check(f"s3:{action}", arn, context=context) for action, context in asked]


@operations.write("CreateBucket", CreateBucket, access(_create_checks))
def create(allowed: Allowed, parameters: CreateBucket, transaction: Transaction) -> Result:
    """Make a bucket with AWS's present defaults: ACLs off, all public access blocked.

    As on AWS, who has a bucket in the home region may make it again, and nothing changes.
    """
    name = parameters.bucket
    if not is_bucket_name(name):
        raise ServiceError("InvalidBucketName", "The specified bucket is not valid.", fields={"BucketName": name})
    region = _region(allowed.signature.region, parameters.create_bucket_configuration.location_constraint)
    _refuse_unbuilt(parameters)
    ownership = _ownership(parameters)
    new = Bucket(
        name=name,
        account=allowed.caller.account,
        created=allowed.now.replace(microsecond=0),
        region=region,
        ownership=ownership,
        tags=tags_of(parameters.create_bucket_configuration.tags, BUCKET_TAGS),
    )
    try:
        create_bucket(transaction, new)
    except BucketExists as error:
        if error.owner != new.account:
            raise _exists(name) from None
        if not region == the_bucket(transaction, name).region == HOME_REGION:
            raise _owned(name) from None
    return {"location": f"/{name}", "bucket_arn": new.arn}


def _region(signed: str, constraint: str | None) -> str:
    """Return the new bucket's region: where the request was sent to, and what it asks for, must agree."""
    if (
        constraint is not None
        and constraint != "EU"
        and (not _REGION.fullmatch(constraint) or constraint == HOME_REGION)
    ):
        message = "The specified location-constraint is not valid"
        raise ServiceError("InvalidLocationConstraint", message, fields={"LocationConstraint": constraint})
    wanted = "eu-west-1" if constraint == "EU" else constraint
    here = signed if _REGION.fullmatch(signed) else HOME_REGION
    if here not in {HOME_REGION, wanted}:
        message = (
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint"
            " this request was sent to."
        )
        raise ServiceError("IllegalLocationConstraintException", message)
    return wanted or HOME_REGION


def _refuse_unbuilt(parameters: CreateBucket) -> None:
    configuration = parameters.create_bucket_configuration
    if parameters.object_lock_enabled_for_bucket:
        raise not_built("Object Lock is not implemented.")
    if configuration.location is not None or configuration.bucket is not None:
        raise not_built("Directory buckets are not implemented.")
    if parameters.bucket_namespace not in {None, "global"}:
        raise not_built("Bucket namespaces other than global are not implemented.")


def _ownership(parameters: CreateBucket) -> str:
    """Return who owns what is written. An ACL that grants something needs ownership that has ACLs."""
    ownership = parameters.object_ownership or OWNER_ENFORCED
    if ownership not in OWNERSHIPS:
        message = "Invalid x-amz-object-ownership header"
        raise invalid_argument(message, "x-amz-object-ownership", ownership)
    if parameters.acl is not None and parameters.acl not in CANNED_ACLS:
        raise invalid_argument("", "x-amz-acl", parameters.acl)
    if parameters.acl is not None and parameters.grants:
        raise invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
    if parameters.acl in {None, "private"} and not parameters.grants:
        return ownership
    if ownership == OWNER_ENFORCED:
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise ServiceError("InvalidBucketAclWithObjectOwnership", message)
    message = "Bucket cannot have public ACLs set with BlockPublicAccess enabled"
    raise ServiceError("InvalidBucketAclWithBlockPublicAccessError", message)


def _exists(name: str) -> ServiceError:
    message = (
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please"
        " select a different name and try again."
    )
    return ServiceError("BucketAlreadyExists", message, 409, fields={"BucketName": name})


def _owned(name: str) -> ServiceError:
    message = "Your previous request to create the named bucket succeeded and you already own it."
    return ServiceError("BucketAlreadyOwnedByYou", message, 409, fields={"BucketName": name})


@operations.write("DeleteBucket", OfBucket, on_bucket("DeleteBucket"))
def delete(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove an empty bucket; multipart uploads under way in it are aborted."""
    the_bucket(transaction, parameters.bucket)
    try:
        remove_bucket(transaction, parameters.bucket)
    except BucketHoldsObjects:
        message = "The bucket you tried to delete is not empty"
        raise ServiceError("BucketNotEmpty", message, 409, fields={"BucketName": parameters.bucket}) from None
    for upload in list(uploads_in(transaction, parameters.bucket)):
        abort(transaction, upload, allowed.now)
    return {}


def _head_checks(ask: Ask[OfBucket]) -> Sequence[Check]:
    return [bucket_check(ask, "ListBucket")]


@operations.read("HeadBucket", OfBucket, access(_head_checks))
def head(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Tell that the bucket exists, and where."""
    del allowed
    found = the_bucket(view, parameters.bucket)
    return {"bucket_region": found.region, "access_point_alias": False, "bucket_arn": found.arn}


@operations.read("GetBucketLocation", OfBucket, on_bucket("GetBucketLocation"))
def location(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the bucket's region; the home region is spelled as nothing, as on AWS."""
    del allowed
    region = the_bucket(view, parameters.bucket).region
    return {"location_constraint": None if region == HOME_REGION else region}


def _list_checks(ask: Ask[ListBuckets]) -> Sequence[Check]:
    del ask
    return [Check("s3:ListAllMyBuckets", "arn:aws:s3:::*")]


@operations.read("ListBuckets", ListBuckets, access(_list_checks))
def list_all(allowed: Allowed, parameters: ListBuckets, view: Snapshot) -> Result:
    """Return the caller's account's buckets, all of them or a page."""
    limit, token = parameters.max_buckets, parameters.continuation_token
    if limit is not None and not 1 <= limit <= MOST_BUCKETS:
        message = f"Argument maxBuckets must be an integer between 1 and {MOST_BUCKETS}"
        raise invalid_argument(message, "max-buckets", str(limit))
    found = list_buckets(
        view,
        allowed.caller.account,
        prefix=parameters.prefix or "",
        beyond=place_of(token) if token is not None else b"",
        region=parameters.bucket_region,
        limit=(limit or MOST_BUCKETS) + 1,
    )
    page = found[: limit or MOST_BUCKETS]
    more = len(found) > len(page)
    return {
        "buckets": [
            {
                "name": one.name,
                "creation_date": one.created,
                "bucket_arn": one.arn,
                "bucket_region": one.region if limit is not None or parameters.bucket_region else None,
            }
            for one in page
        ],
        "owner": owner_of(view, allowed.caller.account),
        "prefix": parameters.prefix,
        "continuation_token": token_of(page[-1].name.encode()) if more else None,
    }
