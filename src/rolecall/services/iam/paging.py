"""Listings page by page: a marker holds the place behind which the next page begins, and survives changes between."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rolecall.message import ServiceError
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot

T = TypeVar("T")

DEFAULT_ITEMS = 100

Listing = Callable[[Snapshot, str, str, str, int], list[T]]


def marker_of(place: str) -> str:
    """Return the opaque marker of a place in a listing."""
    return base64.urlsafe_b64encode(b"1" + place.encode()).decode()


def place_of(marker: str | None) -> str:
    """Return the place that a marker holds, empty for the beginning. Raises ServiceError for what is no marker."""
    if marker is None:
        return ""
    try:
        content = base64.b64decode(marker, altchars=b"-_", validate=True)
        if content[:1] != b"1":
            raise ValueError(marker)
        return content[1:].decode()
    except ValueError:
        raise ServiceError("ValidationError", "Invalid Marker.") from None


def page_of(
    items: Iterable[T], name: Callable[[T], str], marker: str | None, max_items: int | None
) -> tuple[list[T], Result]:
    """Return one page of `items`, which are put in the order of `name`, and the members that say what follows it."""
    place, size = place_of(marker), max_items or DEFAULT_ITEMS
    behind = sorted((item for item in items if name(item) > place), key=name)
    return _cut(behind, name, size)


def page_of_entities(
    listing: Listing[T],
    view: Snapshot,
    account: str,
    path_prefix: str,
    name: Callable[[T], str],
    marker: str | None,
    max_items: int | None,
) -> tuple[list[T], Result]:
    """Return one page of a listing of the directory, which begins behind a name and reads no more than it must."""
    size = max_items or DEFAULT_ITEMS
    return _cut(listing(view, account, path_prefix, place_of(marker), size + 1), name, size)


def _cut(behind: Sequence[T], name: Callable[[T], str], size: int) -> tuple[list[T], Result]:
    page = list(behind[:size])
    if len(behind) <= size:
        return page, {"is_truncated": False}
    return page, {"is_truncated": True, "marker": marker_of(name(page[-1]))}
