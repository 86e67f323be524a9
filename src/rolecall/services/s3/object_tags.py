"""Object tags: get, put, delete, of the object or of one version.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.versions import change
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfVersion, access, existing_keys, object_check, on_version
from rolecall.services.s3.context import request_tag_keys
from rolecall.services.s3.finding import shown_version, the_bucket, the_object
from rolecall.services.s3.table import operations
from rolecall.services.s3.tags import OBJECT_TAGS, TagSet, shown, tags_of
from rolecall.store.interface import Snapshot, Transaction


class PutObjectTagging(OfVersion, frozen=True, kw_only=True):
    """Of PutObjectTagging."""

    tagging: TagSet


@operations.read("GetObjectTagging", OfVersion, on_version(("GetObjectTagging", "GetObjectVersionTagging")))
def get_object_tagging(allowed: Allowed, parameters: OfVersion, view: Snapshot) -> Result:
    """Return the tags."""
    home = the_bucket(view, parameters.bucket)
    found = the_object(allowed, view, home, parameters.key, parameters.version_id)
    return {"tag_set": shown(dict(sorted(found.tags.items()))), "version_id": shown_version(home, found)}


def _put_checks(ask: Ask[PutObjectTagging]) -> Sequence[Check]:
    parameters = ask.parameters
    keys = existing_keys(ask.view, parameters.bucket, parameters.key, parameters.version_id)
    keys |= request_tag_keys({tag.key: tag.value for tag in parameters.tagging.tag_set})
    action = "PutObjectTagging" if parameters.version_id is None else "PutObjectVersionTagging"
    return [object_check(ask, action, keys)]


@operations.write("PutObjectTagging", PutObjectTagging, access(_put_checks), brief=True)
def put_object_tagging(allowed: Allowed, parameters: PutObjectTagging, transaction: Transaction) -> Result:
    """Set the tags, in place of all that were there."""
    return _set(allowed, parameters, transaction, tags_of(parameters.tagging.tag_set, OBJECT_TAGS))


@operations.write("DeleteObjectTagging", OfVersion, on_version(("DeleteObjectTagging", "DeleteObjectVersionTagging")))
def delete_object_tagging(allowed: Allowed, parameters: OfVersion, transaction: Transaction) -> Result:
    """Remove all tags."""
    return _set(allowed, parameters, transaction, {})


def _set(allowed: Allowed, parameters: OfVersion, transaction: Transaction, tags: dict[str, str]) -> Result:
    home = the_bucket(transaction, parameters.bucket)
    found = the_object(allowed, transaction, home, parameters.key, parameters.version_id)
    change(transaction, home.name, msgspec.structs.replace(found, tags=tags))
    return {"version_id": shown_version(home, found)}
