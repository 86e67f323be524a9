"""How the directory keeps its records: under their unique id, found by name without regard to case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from rolecall.identifiers import parse_arn
from rolecall.store.interface import Snapshot, Transaction
from rolecall.store.keys import after, pack, unpack
from rolecall.store.paging import walk


class DirectoryError(Exception):
    """The root of what this room raises.

    NameTaken
    NotThere
    TokenInvalid (sessions)
    """


class NameTaken(DirectoryError):
    """An entity of this kind and, without regard to case, this name exists already."""


class NotThere(DirectoryError):
    """The record to change has been deleted in the meantime."""


class Named(Protocol):
    """What a record needs to be kept in a `Kind`."""

    @property
    def account(self) -> str:
        """The account that it belongs to."""
        ...

    @property
    def name(self) -> str:
        """Its name, in the case it was given."""
        ...

    @property
    def path(self) -> str:
        """Its path, with both slashes."""
        ...

    @property
    def unique_id(self) -> str:
        """The id that no other entity ever had or will have."""
        ...

    @property
    def arn(self) -> str:
        """Its ARN."""
        ...


R = TypeVar("R", bound=Named)

_encode = msgspec.msgpack.Encoder().encode
_PAGE = 256


def fold(name: str) -> str:
    """Return the form under which names are compared: without regard to case."""
    return name.casefold()


class Tally:
    """How many of something each account has, so that quotas count nothing."""

    def __init__(self, name: str) -> None:
        """Count under the word `name`, which is part of the keys."""
        self._name = name

    def value(self, view: Snapshot, account: str) -> int:
        """Return how many the account has."""
        value = view.get(pack("iam-count", account, self._name))
        return 0 if value is None else int.from_bytes(value, "big")

    def add(self, transaction: Transaction, account: str, by: int) -> None:
        """Count `by` more, or fewer."""
        now = self.value(transaction, account) + by
        transaction.put(pack("iam-count", account, self._name), now.to_bytes(8, "big"))


class Kind(Generic[R]):
    """One kind of entity: its records by unique id, the index of its names, and how many there are."""

    def __init__(self, name: str, record: type[R]) -> None:
        """Keep records of the type `record` under the word `name`, which is part of every key and the type in ARNs."""
        self.name = name
        self._tally = Tally(name)
        self._decode = msgspec.msgpack.Decoder(record).decode

    def get(self, view: Snapshot, account: str, unique_id: str) -> R | None:
        """Return the entity with this id, or None."""
        value = view.get(pack("iam", account, self.name, unique_id))
        return None if value is None else self._decode(value)

    def named(self, view: Snapshot, account: str, name: str) -> R | None:
        """Return the entity with this name, without regard to case, or None."""
        entry = view.get(self._name_key(account, name))
        return None if entry is None else self.get(view, account, _read_index(entry)[0])

    def with_arn(self, view: Snapshot, arn: str) -> R | None:
        """Return the entity with exactly this ARN, its path and case included, or None."""
        parsed = parse_arn(arn)
        if parsed is None or parsed.resource_type != self.name:
            return None
        found = self.named(view, parsed.account, parsed.resource_name)
        return found if found is not None and found.arn == arn else None

    def count(self, view: Snapshot, account: str) -> int:
        """Return how many entities of this kind the account has."""
        return self._tally.value(view, account)

    def each(self, view: Snapshot, account: str, after_name: str = "", path_prefix: str = "/") -> Iterator[R]:
        """Yield the entities below `path_prefix` in the order of their names, beginning behind `after_name`."""
        prefix = pack("iam-name", account, self.name)
        start = after(self._name_key(account, after_name)) if after_name else None
        for entry in walk(view, prefix, start=start, page=_PAGE):
            unique_id, path = _read_index(entry.value)
            record = self.get(view, account, unique_id) if path.startswith(path_prefix) else None
            if record is not None:
                yield record

    def add(self, transaction: Transaction, record: R) -> None:
        """Keep a new entity. Raises NameTaken."""
        key = self._name_key(record.account, record.name)
        if transaction.get(key) is not None:
            raise NameTaken(record.name)
        transaction.put(key, _index(record))
        transaction.put(self._key(record), _encode(record))
        self._tally.add(transaction, record.account, 1)
        transaction.advance_watermark()

    def replace(self, transaction: Transaction, old: R, new: R) -> None:
        """Keep `new` in place of `old`, which has the same id. Raises NameTaken, NotThere."""
        if transaction.get(self._key(old)) is None:
            raise NotThere(old.unique_id)
        old_key, new_key = self._name_key(old.account, old.name), self._name_key(new.account, new.name)
        if old_key != new_key:
            if transaction.get(new_key) is not None:
                raise NameTaken(new.name)
            transaction.delete(old_key)
        transaction.put(new_key, _index(new))
        transaction.put(self._key(new), _encode(new))
        transaction.advance_watermark()

    def note(self, transaction: Transaction, record: R) -> None:
        """Keep what has no bearing on anybody's rights: name and path are as they were, the watermark stays."""
        transaction.put(self._key(record), _encode(record))

    def remove(self, transaction: Transaction, record: R) -> None:
        """Forget an entity. Raises NotThere."""
        if transaction.get(self._key(record)) is None:
            raise NotThere(record.unique_id)
        transaction.delete(self._key(record))
        transaction.delete(self._name_key(record.account, record.name))
        self._tally.add(transaction, record.account, -1)
        transaction.advance_watermark()

    def _key(self, record: R) -> bytes:
        return pack("iam", record.account, self.name, record.unique_id)

    def _name_key(self, account: str, name: str) -> bytes:
        return pack("iam-name", account, self.name, fold(name))


def _index(record: Named) -> bytes:
    """Return what the index of names holds: the id, and the path, so that listings read only what they show."""
    return f"{record.unique_id} {record.path}".encode()


def _read_index(value: bytes) -> tuple[str, str]:
    unique_id, _, path = value.decode().partition(" ")
    return unique_id, path


class Relation:
    """Pairs of texts within an account, found from either end (`group` and `user`, `owner` and `policy`)."""

    def __init__(self, forward: str, backward: str) -> None:
        """Name both directions; the words are parts of the keys."""
        self._forward = forward
        self._backward = backward

    def add(self, transaction: Transaction, account: str, left: str, right: str) -> bool:
        """Keep the pair and return True, or return False where it was there already."""
        key = pack(self._forward, account, left, right)
        if transaction.get(key) is not None:
            return False
        transaction.put(key, b"")
        transaction.put(pack(self._backward, account, right, left), b"")
        transaction.advance_watermark()
        return True

    def remove(self, transaction: Transaction, account: str, left: str, right: str) -> bool:
        """Forget the pair and return True, or return False where it was not there."""
        key = pack(self._forward, account, left, right)
        if transaction.get(key) is None:
            return False
        transaction.delete(key)
        transaction.delete(pack(self._backward, account, right, left))
        transaction.advance_watermark()
        return True

    def has(self, view: Snapshot, account: str, left: str, right: str) -> bool:
        """Tell whether the pair is there."""
        return view.get(pack(self._forward, account, left, right)) is not None

    def rights(self, view: Snapshot, account: str, left: str) -> list[str]:
        """Return what `left` is paired with, in order."""
        return _ends(view, pack(self._forward, account, left))

    def lefts(self, view: Snapshot, account: str, right: str) -> list[str]:
        """Return what is paired with `right`, in order."""
        return _ends(view, pack(self._backward, account, right))

    def counts(self, view: Snapshot, account: str) -> Counter[str]:
        """Return how many `left` each `right` is paired with."""
        return Counter(unpack(entry.key)[2].decode() for entry in view.scan(pack(self._backward, account)))


def _ends(view: Snapshot, prefix: bytes) -> list[str]:
    from_end = len(prefix)
    return [entry.key[from_end:-2].replace(b"\x00\xff", b"\x00").decode() for entry in view.scan(prefix)]
