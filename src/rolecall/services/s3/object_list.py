"""ListObjects, ListObjectsV2 and ListObjectVersions.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask
from rolecall.buckets import listing
from rolecall.buckets.listing import ListedVersion, Page
from rolecall.buckets.versions import NULL, Listed, sequence_of, version
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import OfBucket, on_bucket
from rolecall.services.s3.context import Keys
from rolecall.services.s3.finding import the_bucket
from rolecall.services.s3.listing_keys import MOST, Spelling, page_size, place_of, spelling, token_of
from rolecall.services.s3.owners import owner_of
from rolecall.services.s3.refusals import invalid_argument
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot, Store
from rolecall.wire.rows import Column, Rows, Same


class Listing(OfBucket, frozen=True, kw_only=True):
    """The parameters that all three listings have."""

    prefix: str | None = None
    delimiter: str | None = None
    max_keys: int | None = None
    encoding_type: str | None = None


class ListObjects(Listing, frozen=True, kw_only=True):
    """Of ListObjects."""

    marker: str | None = None


class ListObjectsV2(Listing, frozen=True, kw_only=True):
    """Of ListObjectsV2."""

    continuation_token: str | None = None
    start_after: str | None = None
    fetch_owner: bool = False


class ListObjectVersions(Listing, frozen=True, kw_only=True):
    """Of ListObjectVersions."""

    key_marker: str | None = None
    version_id_marker: str | None = None


def _keys(ask: Ask[Listing]) -> Keys:
    keys: Keys = {"s3:max-keys": str(MOST if ask.parameters.max_keys is None else ask.parameters.max_keys)}
    if ask.parameters.prefix is not None:
        keys["s3:prefix"] = ask.parameters.prefix
    if ask.parameters.delimiter is not None:
        keys["s3:delimiter"] = ask.parameters.delimiter
    return keys


@operations.stream("ListObjects", ListObjects, on_bucket("ListBucket", keys=_keys))
async def list_objects(allowed: Allowed, parameters: ListObjects, streams: Streams) -> Result:
    """Return a page of the bucket's objects behind `marker`."""
    del allowed
    spell = spelling(parameters.encoding_type)
    place = _behind(parameters.marker, parameters)
    page, owner = await _page(streams.store, parameters, place, owned=True)
    last = page.last_prefix or (page.items[-1].key if page.items else None)
    return {
        **_head(parameters, page, spell),
        "marker": spell(parameters.marker or ""),
        "next_marker": spell(last) if page.truncated and parameters.delimiter and last is not None else None,
        "contents": _lines(page.items, spell, owner),
    }


@operations.stream("ListObjectsV2", ListObjectsV2, on_bucket("ListBucket", keys=_keys))
async def list_objects_v2(allowed: Allowed, parameters: ListObjectsV2, streams: Streams) -> Result:
    """Return a page of the bucket's objects, from a token on, or behind `start-after`."""
    del allowed
    spell = spelling(parameters.encoding_type)
    token = parameters.continuation_token
    if token is not None:
        place = place_of(token)
    else:
        place = listing.after_key(parameters.start_after) if parameters.start_after else b""
    page, owner = await _page(streams.store, parameters, place, owned=parameters.fetch_owner)
    return {
        **_head(parameters, page, spell),
        "contents": _lines(page.items, spell, owner),
        "key_count": len(page),
        "continuation_token": token,
        "next_continuation_token": token_of(_next(page)) if page.truncated else None,
        "start_after": spell(parameters.start_after) if parameters.start_after is not None else None,
    }


async def _page(
    store: Store, parameters: Listing, place: bytes, *, owned: bool
) -> tuple[Page[Listed], Mapping[str, str] | None]:
    """Return a page of objects and, where asked for, their owner.

    Between long stretches of delete markers others get their turn.
    """
    limit = page_size(parameters.max_keys, "max-keys")
    page: Page[Listed] | None = None
    while True:
        with store.view() as view:
            home = the_bucket(view, parameters.bucket)
            found = listing.list_objects(
                view,
                home.name,
                prefix=parameters.prefix or "",
                delimiter=parameters.delimiter or "",
                place=place if page is None or page.resume is None else page.resume,
                limit=limit - (0 if page is None else len(page)),
            )
            owner = owner_of(view, home.account) if owned else None
        page = found if page is None else page.then(found)
        if page.resume is None or len(page) >= limit:
            return page, owner
        await asyncio.sleep(0)


@operations.read("ListObjectVersions", ListObjectVersions, on_bucket("ListBucketVersions", keys=_keys))
def list_object_versions(allowed: Allowed, parameters: ListObjectVersions, view: Snapshot) -> Result:
    """Return a page of versions and delete markers, the newest of a key first."""
    del allowed
    home = the_bucket(view, parameters.bucket)
    spell = spelling(parameters.encoding_type)
    page = listing.list_versions(
        view,
        home.name,
        prefix=parameters.prefix or "",
        delimiter=parameters.delimiter or "",
        place=_version_place(view, parameters),
        limit=page_size(parameters.max_keys, "max-keys"),
    )
    owner = owner_of(view, home.account)
    last = page.items[-1].version if page.items and page.last_prefix is None else None
    next_key = page.last_prefix or (last.key if last is not None else None)
    return {
        **_head(parameters, page, spell),
        "key_marker": spell(parameters.key_marker or ""),
        "version_id_marker": parameters.version_id_marker or "",
        "next_key_marker": spell(next_key) if page.truncated and next_key is not None else None,
        "next_version_id_marker": last.version_id if page.truncated and last is not None else None,
        "versions": _versions(page.items, spell, owner),
        "delete_markers": _markers(page.items, spell, owner),
    }


def _head(parameters: Listing, page: Page[Listed] | Page[ListedVersion], spell: Spelling) -> dict[str, object]:
    return {
        "name": parameters.bucket,
        "prefix": spell(parameters.prefix or ""),
        "delimiter": spell(parameters.delimiter) if parameters.delimiter else None,
        "max_keys": page_size(parameters.max_keys, "max-keys"),
        "encoding_type": parameters.encoding_type,
        "is_truncated": page.truncated,
        "common_prefixes": [{"prefix": spell(prefix)} for prefix in page.prefixes],
    }


def _lines(shown: Sequence[Listed], spell: Spelling, owner: Mapping[str, str] | None, **more: Column) -> Rows:
    """Return the lines of objects, or of versions with what `more` those show."""
    checksums = [one.checksum for one in shown]
    columns: dict[str, Column] = {
        "key": _spelled([one.key for one in shown], spell),
        "last_modified": [one.modified for one in shown],
        "e_tag": [f'"{one.etag}"' for one in shown],
        "checksum_algorithm": [None if one is None else (one.algorithm,) for one in checksums],
        "checksum_type": [None if one is None else one.kind for one in checksums],
        "size": [one.size for one in shown],
        "storage_class": [one.storage_class for one in shown],
        "owner": Same(owner),
    }
    return Rows(len(shown), columns | more)


def _spelled(keys: list[str], spell: Spelling) -> list[str]:
    return keys if spell is str else [spell(key) for key in keys]


def _versions(items: Sequence[ListedVersion], spell: Spelling, owner: Mapping[str, str]) -> Rows:
    items = [item for item in items if not item.version.delete_marker]
    shown = [item.version for item in items]
    latest, ids = [item.latest for item in items], [one.version_id for one in shown]
    return _lines(shown, spell, owner, version_id=ids, is_latest=latest)


def _markers(items: Sequence[ListedVersion], spell: Spelling, owner: Mapping[str, str]) -> Rows:
    items = [item for item in items if item.version.delete_marker]
    shown = [item.version for item in items]
    columns: dict[str, Column] = {
        "owner": Same(owner),
        "key": _spelled([one.key for one in shown], spell),
        "version_id": [one.version_id for one in shown],
        "is_latest": [item.latest for item in items],
        "last_modified": [one.modified for one in shown],
    }
    return Rows(len(shown), columns)


def _behind(marker: str | None, parameters: Listing) -> bytes:
    return listing.behind(marker, parameters.prefix or "", parameters.delimiter or "") if marker else b""


def _version_place(view: Snapshot, parameters: ListObjectVersions) -> bytes:
    """Return the place behind the version that the markers name."""
    marker, version_id = parameters.key_marker, parameters.version_id_marker
    if not version_id:
        return _behind(marker, parameters)
    if not marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(message, "version-id-marker", version_id)
    sequence = sequence_of(version_id)
    if version_id == NULL:
        found = version(view, parameters.bucket, marker, NULL)
        sequence = found.sequence if found is not None else 0
    if sequence is None:
        raise invalid_argument("Invalid version id specified", "version-id-marker", version_id)
    return listing.after_version(marker, sequence) if sequence else listing.after_key(marker)


def _next(page: Page[Listed]) -> bytes:
    if page.last_prefix is not None:
        return listing.after_prefix(page.last_prefix)
    return listing.after_key(page.items[-1].key)
