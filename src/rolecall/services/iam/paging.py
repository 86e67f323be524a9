"""Listings page by page: a marker holds the place behind which the next page begins, and survives changes between."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from rolecall.directory.records import Kind, Named
from rolecall.message import ServiceError
from rolecall.services.iam.parameters import Below
from rolecall.services.operation import Result
from rolecall.store.interface import Snapshot

T = TypeVar("T")
R = TypeVar("R", bound=Named)

DEFAULT_ITEMS = 100


class Paged(Protocol):
    """The parameters of a listing: where to begin, and how much at most."""

    @property
    def marker(self) -> str | None:
        """Where the page before ended; None for the first."""
        ...

    @property
    def max_items(self) -> int | None:
        """How many items at most; None for `DEFAULT_ITEMS`."""
        ...


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


def page_of(items: Iterable[T], name: Callable[[T], str], asked: Paged) -> tuple[list[T], Result]:
    """Return one page of `items`, which are put in the order of `name`, and the members that say what follows it."""
    place, size = place_of(asked.marker), asked.max_items or DEFAULT_ITEMS
    behind = sorted((item for item in items if name(item) > place), key=name)
    return _cut(behind, name, size)


def page_of_entities(kind: Kind[R], view: Snapshot, account: str, asked: Below) -> tuple[list[R], Result]:
    """Return one page of the entities of a kind below a path; no more of them are read than it takes."""
    size = asked.max_items or DEFAULT_ITEMS
    behind = kind.each(view, account, place_of(asked.marker), asked.path_prefix)
    return _cut(list(islice(behind, size + 1)), lambda entity: entity.name, size)


def _cut(behind: Sequence[T], name: Callable[[T], str], size: int) -> tuple[list[T], Result]:
    page = list(behind[:size])
    if len(behind) <= size:
        return page, {"is_truncated": False}
    return page, {"is_truncated": True, "marker": marker_of(name(page[-1]))}
