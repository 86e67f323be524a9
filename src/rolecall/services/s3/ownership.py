"""Who owns what is written into a bucket, and the bucket's ACL.

With BucketOwnerEnforced, the default, ACLs are off and every change of one is refused. The other two settings turn
ACLs on; of these the private one, which grants nothing to anybody else, is the only one offered.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask
from rolecall.buckets.bucket import OWNER_ENFORCED, Bucket, change_bucket
from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.context import Keys, write_keys
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.owners import owner_of
from rolecall.services.s3.refusals import acl_not_supported, malformed_xml, no_such_setting, not_built
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction

OWNERSHIPS = frozenset({OWNER_ENFORCED, "BucketOwnerPreferred", "ObjectWriter"})
CANNED_ACLS = frozenset({"private", "public-read", "public-read-write", "authenticated-read"})
_PUBLIC_GROUPS = frozenset(
    {
        "http://acs.amazonaws.com/groups/global/AllUsers",
        "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    }
)


class OwnershipRule(msgspec.Struct, frozen=True, kw_only=True):
    """The one rule of ownership controls."""

    object_ownership: str | None = None


class OwnershipControls(msgspec.Struct, frozen=True, kw_only=True):
    """The document of PutBucketOwnershipControls."""

    rules: list[OwnershipRule] | None = None


class NewOwnership(OfBucket, frozen=True, kw_only=True):
    """Of PutBucketOwnershipControls."""

    ownership_controls: OwnershipControls | None = None


class Grantee(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a grant goes."""

    type: str | None = None
    id: str | None = None
    uri: str | None = None
    email_address: str | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an ACL."""

    grantee: Grantee | None = None
    permission: str | None = None


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The owner that an ACL names."""

    id: str | None = None


class AccessControlPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The document of PutBucketAcl."""

    owner: Owner | None = None
    grants: list[Grant] | None = None


class BucketAcl(OfBucket, frozen=True, kw_only=True):
    """Of operations that may set a bucket's ACL by headers."""

    acl: str | None = None
    grant_full_control: str | None = None
    grant_read: str | None = None
    grant_read_acp: str | None = None
    grant_write: str | None = None
    grant_write_acp: str | None = None

    @property
    def grants(self) -> list[str]:
        """The grant headers that were sent."""
        sent = (self.grant_full_control, self.grant_read, self.grant_read_acp, self.grant_write, self.grant_write_acp)
        return [header for header in sent if header is not None]


class NewAcl(BucketAcl, frozen=True, kw_only=True):
    """Of PutBucketAcl."""

    access_control_policy: AccessControlPolicy | None = None


def _acl_keys(ask: Ask[NewAcl]) -> Keys:
    return write_keys(ask.parameters)


@operations.write("PutBucketOwnershipControls", NewOwnership, on_bucket("PutBucketOwnershipControls"))
def put_bucket_ownership_controls(allowed: Allowed, parameters: NewOwnership, transaction: Transaction) -> Result:
    """Set who owns what is written."""
    del allowed
    rules = parameters.ownership_controls.rules if parameters.ownership_controls is not None else None
    if rules is None or len(rules) != 1 or rules[0].object_ownership not in OWNERSHIPS:
        raise malformed_xml()
    found = the_bucket(transaction, parameters.bucket)
    change_bucket(transaction, msgspec.structs.replace(found, ownership=rules[0].object_ownership))
    return {}


@operations.read("GetBucketOwnershipControls", OfBucket, on_bucket("GetBucketOwnershipControls"))
def get_bucket_ownership_controls(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return who owns what is written."""
    del allowed
    ownership = the_bucket(view, parameters.bucket).ownership
    if ownership is None:
        message = "The bucket ownership controls were not found"
        raise no_such_setting("OwnershipControlsNotFoundError", message, parameters.bucket)
    return {"ownership_controls": {"rules": [{"object_ownership": ownership}]}}


@operations.write("DeleteBucketOwnershipControls", OfBucket, on_bucket("PutBucketOwnershipControls"))
def delete_bucket_ownership_controls(allowed: Allowed, parameters: OfBucket, transaction: Transaction) -> Result:
    """Remove the ownership controls; that there are none is no error."""
    del allowed
    found = the_bucket(transaction, parameters.bucket)
    change_bucket(transaction, msgspec.structs.replace(found, ownership=None))
    return {}


@operations.read("GetBucketAcl", OfBucket, on_bucket("GetBucketAcl"))
def get_bucket_acl(allowed: Allowed, parameters: OfBucket, view: Snapshot) -> Result:
    """Return the bucket's ACL: full control for its owner."""
    del allowed
    found = the_bucket(view, parameters.bucket)
    owner = owner_of(view, found.account)
    grantee = {"type": "CanonicalUser", **owner}
    return {"owner": owner, "grants": [{"grantee": grantee, "permission": "FULL_CONTROL"}]}


@operations.write("PutBucketAcl", NewAcl, on_bucket("PutBucketAcl", keys=_acl_keys))
def put_bucket_acl(allowed: Allowed, parameters: NewAcl, transaction: Transaction) -> Result:
    """Take the ACL that the bucket has, where ACLs are on; refuse every other."""
    found = the_bucket(transaction, parameters.bucket)
    _refuse_malformed(parameters)
    if found.ownership == OWNER_ENFORCED:
        raise acl_not_supported()
    block = found.public_access_block
    if block is not None and block.block_public_acls and _is_public(parameters):
        raise _public_acl(allowed, found)
    if not _is_private(parameters, owner_of(transaction, found.account)["id"]):
        raise not_built("Of access control lists only the private one is implemented.")
    return {}


def _refuse_malformed(sent: NewAcl) -> None:
    """Raise ServiceError unless exactly one of a canned ACL, grant headers and a document was sent, and understood."""
    document = sent.access_control_policy
    ways = (sent.acl is not None) + bool(sent.grants) + (document is not None)
    if ways > 1:
        raise ServiceError("UnexpectedContent", "This request does not support content")
    if ways == 0:
        message = "Your request was missing a required header"
        raise ServiceError("MissingSecurityHeader", message, fields={"MissingHeaderName": "x-amz-acl"})
    if sent.acl is not None and sent.acl not in CANNED_ACLS:
        fields = {"ArgumentName": "x-amz-acl", "ArgumentValue": sent.acl}
        raise ServiceError("InvalidArgument", "", fields=fields)
    if document is None:
        return
    grants = document.grants or []
    if document.owner is None or any(one.grantee is None or one.permission is None for one in grants):
        raise ServiceError("MalformedACLError", malformed_xml().message)


def _is_public(sent: NewAcl) -> bool:
    if sent.acl is not None:
        return sent.acl != "private"
    named = [header for header in sent.grants if any(group in header for group in _PUBLIC_GROUPS)]
    grants = sent.access_control_policy.grants or [] if sent.access_control_policy is not None else []
    return bool(named) or any(one.grantee is not None and one.grantee.uri in _PUBLIC_GROUPS for one in grants)


def _is_private(sent: NewAcl, owner: str) -> bool:
    """Tell whether the ACL gives full control to the owner and nothing to anybody else."""
    if sent.acl is not None:
        return sent.acl == "private"
    if sent.access_control_policy is None:
        return sent.grants == [f'id="{owner}"'] and sent.grant_full_control is not None
    grants = sent.access_control_policy.grants or []
    return [(one.grantee.id, one.permission) for one in grants if one.grantee is not None] == [(owner, "FULL_CONTROL")]


def _public_acl(allowed: Allowed, found: Bucket) -> ServiceError:
    message = (
        f"User: {allowed.caller.principal.arn} is not authorized to perform: s3:PutBucketAcl on resource:"
        f' "{found.arn}" because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access.'
    )
    return ServiceError("AccessDenied", message, 403)
