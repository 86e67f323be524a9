"""An object's ACL: the owner's full control, which cannot be changed while ACLs are off.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.bucket import OWNER_ENFORCED
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfVersion, access, existing_keys, object_check, on_version
from rolecall.services.s3.context import write_keys
from rolecall.services.s3.finding import the_bucket, the_object
from rolecall.services.s3.owners import owner_of
from rolecall.services.s3.ownership import AccessControlPolicy
from rolecall.services.s3.refusals import acl_not_supported, not_built
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Transaction


class PutObjectAcl(OfVersion, frozen=True, kw_only=True):
    """Of PutObjectAcl."""

    acl: str | None = None
    access_control_policy: AccessControlPolicy | None = None
    grant_full_control: str | None = None
    grant_read: str | None = None
    grant_read_acp: str | None = None
    grant_write: str | None = None
    grant_write_acp: str | None = None


@operations.read("GetObjectAcl", OfVersion, on_version(("GetObjectAcl", "GetObjectVersionAcl")))
def get_object_acl(allowed: Allowed, parameters: OfVersion, view: Snapshot) -> Result:
    """Return the ACL: full control for the bucket's owner, who owns all that is in it."""
    home = the_bucket(view, parameters.bucket)
    the_object(allowed, view, home, parameters.key, parameters.version_id)
    owner = owner_of(view, home.account)
    return {
        "owner": owner,
        "grants": [{"grantee": {"type": "CanonicalUser", **owner}, "permission": "FULL_CONTROL"}],
    }


def _checks(ask: Ask[PutObjectAcl]) -> Sequence[Check]:
    parameters = ask.parameters
    keys = existing_keys(ask.view, parameters.bucket, parameters.key, parameters.version_id)
    action = "PutObjectAcl" if parameters.version_id is None else "PutObjectVersionAcl"
    return [object_check(ask, action, keys | write_keys(parameters))]


@operations.write("PutObjectAcl", PutObjectAcl, access(_checks))
def put_object_acl(allowed: Allowed, parameters: PutObjectAcl, transaction: Transaction) -> Result:
    """Refuse every change but the one that changes nothing."""
    home = the_bucket(transaction, parameters.bucket)
    the_object(allowed, transaction, home, parameters.key, parameters.version_id)
    if home.ownership == OWNER_ENFORCED and parameters.acl != "bucket-owner-full-control":
        raise acl_not_supported()
    if parameters.acl not in {"private", "bucket-owner-full-control"}:
        raise not_built("Of access control lists only the private one is implemented.")
    return {}
