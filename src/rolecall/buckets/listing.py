"""Listings: objects, versions and uploads in order of key, with what lies behind a delimiter rolled into one prefix.

A common prefix is skipped in the ordered keyspace: however many keys lie behind it, they are not walked. Places in a
listing are packed keys without the bucket: `pack(key)`, for versions and uploads with their sequence or id behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rolecall.buckets.uploads import Upload, decode_upload
from rolecall.buckets.versions import Listed, decode_listed
from rolecall.store.interface import Entry, Snapshot
from rolecall.store.keys import after, descending, just_after, open_ended, pack

_MOST = 1000
_MOST_WALKED = 10_000
"""After so many entries a page ends, full or not: delete markers are not shown, and there may be a million of them."""
_FEW = 24
"""As many are read at least; with a delimiter at first, when the next key may be behind a prefix that is skipped."""


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=_Keyed)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a listing: items and common prefixes, each in order."""

    items: tuple[T, ...]
    prefixes: tuple[str, ...]
    truncated: bool
    last_prefix: str | None
    """The common prefix that came last of all, or None where an item did."""
    resume: bytes | None = None
    """Where to go on, for a page cut short because too many entries that are not shown were passed."""

    def then(self, more: Page[T]) -> Page[T]:
        """Return this page with the one that goes on where it was cut short."""
        last_prefix = more.last_prefix if more.items or more.prefixes else self.last_prefix
        return Page(self.items + more.items, self.prefixes + more.prefixes, more.truncated, last_prefix, more.resume)

    def __len__(self) -> int:
        """Return how many lines it has."""
        return len(self.items) + len(self.prefixes)


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A version as a listing of versions shows it."""

    version: Listed
    latest: bool

    @property
    def key(self) -> str:
        """The key of the object."""
        return self.version.key


Fetched = tuple[list[T], bytes | None]
"""Items in order, and the place to go on from, or None at the end."""


def after_key(key: str) -> bytes:
    """Return the place behind a key and all that is kept under it."""
    return after(pack(key))


def after_prefix(prefix: str) -> bytes:
    """Return the place behind all keys that begin with `prefix`."""
    return after(open_ended(prefix))


def behind(marker: str, prefix: str, delimiter: str) -> bytes:
    """Return the place behind a marker. One that lies behind a common prefix leaves all of that prefix behind."""
    cut = marker.find(delimiter, len(prefix)) if delimiter and marker.startswith(prefix) else -1
    return after_prefix(marker[: cut + len(delimiter)]) if cut >= 0 else after_key(marker)


def after_version(key: str, sequence: int) -> bytes:
    """Return the place behind one version of a key."""
    return just_after(pack(key, descending(sequence)))


def after_upload(key: str, upload_id: str) -> bytes:
    """Return the place behind one upload of a key."""
    return just_after(pack(key, upload_id))


def list_objects(
    view: Snapshot, bucket: str, *, prefix: str = "", delimiter: str = "", place: bytes = b"", limit: int
) -> Page[Listed]:
    """Return the bucket's objects from `place` on, at most `limit` with the common prefixes; no delete markers.

    A page may be cut short, and then says where to `resume`: nobody should wait for who walks a million markers.
    """
    root = pack("current", bucket)
    scope = root + open_ended(prefix)

    def fetch(start: bytes, size: int) -> Fetched[Listed]:
        page = view.scan(scope, start=max(root + start, scope), limit=size)
        found = decode_listed([entry.value for entry in page])
        return [one for one in found if not one.delete_marker], _next(page, size, root)

    return _roll(fetch, prefix, delimiter, place, limit)


def list_versions(
    view: Snapshot, bucket: str, *, prefix: str = "", delimiter: str = "", place: bytes = b"", limit: int
) -> Page[ListedVersion]:
    """Return the versions and delete markers of the bucket from `place` on, the newest of a key first."""
    roots = (pack("current", bucket), pack("version", bucket))

    def fetch(start: bytes, size: int) -> Fetched[ListedVersion]:
        merged: list[tuple[bytes, bytes, bool]] = []
        for latest, root in zip((True, False), roots, strict=True):
            scope = root + open_ended(prefix)
            page = view.scan(scope, start=max(root + start, scope), limit=size)
            merged.extend((entry.key[len(root) :], entry.value, latest) for entry in page)
        merged.sort(key=lambda one: one[0])
        more = just_after(merged[size - 1][0]) if len(merged) >= size else None
        versions = decode_listed([value for _, value, _ in merged[:size]])
        return [ListedVersion(one, latest) for one, (_, _, latest) in zip(versions, merged, strict=False)], more

    return _roll(fetch, prefix, delimiter, place, limit)


def list_uploads(
    view: Snapshot, bucket: str, *, prefix: str = "", delimiter: str = "", place: bytes = b"", limit: int
) -> Page[Upload]:
    """Return the bucket's uploads under way from `place` on, in order of key and of their beginning."""
    root = pack("upload", bucket)
    scope = root + open_ended(prefix)

    def fetch(start: bytes, size: int) -> Fetched[Upload]:
        page = view.scan(scope, start=max(root + start, scope), limit=size)
        found = [decode_upload(entry.value) for entry in page]
        return found, _next(page, size, root)

    return _roll(fetch, prefix, delimiter, place, limit)


def _next(page: list[Entry], size: int, root: bytes) -> bytes | None:
    return just_after(page[-1].key[len(root) :]) if len(page) >= size else None


def _roll(fetch: Callable[[bytes, int], Fetched[T]], prefix: str, delimiter: str, place: bytes, limit: int) -> Page[T]:
    """Walk from `place`, rolling keys into common prefixes, until `limit` is reached and one more is seen."""
    if not delimiter:
        return _run(fetch, place, limit)
    items: list[T] = []
    prefixes: list[str] = []
    last_prefix: str | None = None
    here: bytes | None = place if limit else None
    size, walked = _FEW, 0
    while here is not None:
        if walked > _MOST_WALKED:
            return Page(tuple(items), tuple(prefixes), truncated=True, last_prefix=last_prefix, resume=here)
        found, here = fetch(here, size)
        walked += size - len(found)
        size = min(size * 4, _MOST)
        for item in found:
            if len(items) + len(prefixes) >= limit:
                return Page(tuple(items), tuple(prefixes), truncated=True, last_prefix=last_prefix)
            cut = item.key.find(delimiter, len(prefix))
            if cut >= 0:
                last_prefix = item.key[: cut + len(delimiter)]
                prefixes.append(last_prefix)
                here, size = after_prefix(last_prefix), _FEW
                break
            items.append(item)
            last_prefix = None
    return Page(tuple(items), tuple(prefixes), truncated=False, last_prefix=last_prefix)


def _run(fetch: Callable[[bytes, int], Fetched[T]], place: bytes, limit: int) -> Page[T]:
    """Walk from `place` to one entry beyond `limit`, to the end, or until as many entries were read as one page may."""
    items: list[T] = []
    here: bytes | None = place if limit else None
    walked = 0
    while here is not None and len(items) <= limit:
        if walked > _MOST_WALKED:
            return Page(tuple(items), (), truncated=True, last_prefix=None, resume=here)
        size = max(limit + 1 - len(items), _FEW)
        found, here = fetch(here, size)
        walked += size - len(found)
        items += found
    return Page(tuple(items[:limit]), (), truncated=len(items) > limit, last_prefix=None)
