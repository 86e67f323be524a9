"""AWS's actions with their access levels, resource types and condition keys, for every service.

The index of services is read at the first question, a service's facts when one of its actions is asked for; importing
this module reads nothing. The files are written by tools/import_catalog.py; `source()` says from what and of which
day. Names of actions and keys are compared without regard to case, as AWS compares them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from gzip import decompress
from importlib.resources import files

import msgspec

from rolecall.catalog.corrections import GLOBAL_KEYS, LISTED_UNDER, LISTS

_DATA = files("rolecall.catalog") / "data"
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_NO_KEYS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource that actions of a service name."""

    name: str
    arn: str
    """Its ARN as AWS prints it: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`."""
    condition_keys: frozenset[str] = _NO_KEYS

    @property
    def pattern(self) -> str:
        """The ARN with a `*` in place of each placeholder."""
        return _PLACEHOLDER.sub("*", self.arn)


@dataclass(frozen=True, slots=True)
class Action:
    """An action as the Service Authorization Reference describes it."""

    service: str
    name: str
    """Without the service, as AWS spells it: `PutObject`."""
    access_level: str
    """`List`, `Read`, `Write`, `Tagging` or `Permissions management`."""
    resource_types: tuple[ResourceType, ...]
    """Empty for actions that have no resource type and are decided on `*`."""
    condition_keys: frozenset[str]
    """The keys of the action and of its resource types, global ones aside: lower case, ending in `/` where the rest of
    the key is a tag key or the like."""

    @property
    def full_name(self) -> str:
        """The action as policies name it: `s3:PutObject`."""
        return f"{self.service}:{self.name}"


class _ServiceRow(msgspec.Struct, frozen=True, array_like=True):
    prefix: str
    title: str
    actions: int
    offset: int
    size: int


class _Index(msgspec.Struct, frozen=True):
    source: str
    date: str
    services: list[_ServiceRow]


class _ActionRow(msgspec.Struct, frozen=True, array_like=True):
    name: str
    access_level: str
    resource_types: list[str]
    keys: list[str]


class _ResourceRow(msgspec.Struct, frozen=True, array_like=True):
    name: str
    arn: str
    keys: list[str]


class _Block(msgspec.Struct, frozen=True):
    actions: list[_ActionRow]
    resources: list[_ResourceRow]
    keys: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Service:
    actions: Mapping[str, Action]
    resource_types: Mapping[str, ResourceType]
    key_types: Mapping[str, str] = field(repr=False)


def services() -> Mapping[str, str]:
    """Return the names of all services by the prefix of their actions (`s3`: `Amazon S3`), in order of prefix."""
    return {prefix: row.title for prefix, row in _services().items()}


def source() -> tuple[str, str]:
    """Return the package that the facts were taken from and their day (YYYY-MM-DD)."""
    index = _index()
    return index.source, index.date


def find(action: str) -> Action | None:
    """Return the facts of an action (`s3:PutObject`, any case), or None where AWS has no such action."""
    prefix, _, name = action.lower().partition(":")
    return _service(prefix).actions.get(name) if prefix in _services() else None


def actions_of(prefix: str) -> list[Action]:
    """Return all actions of the service with this prefix, by name; none for a service that AWS does not have."""
    return list(_service(prefix.lower()).actions.values()) if prefix.lower() in _services() else []


def matching(pattern: str) -> list[Action]:
    """Return the actions that an action pattern (`s3:Get*`, `*`) names. A lone `*` reads the facts of all services."""
    prefix, colon, name = pattern.lower().partition(":")
    if not colon:
        return [action for one in services() for action in actions_of(one)] if pattern == "*" else []
    glob = _glob(name)
    return [action for action in actions_of(prefix) if glob.fullmatch(action.name.lower())]


def is_action(action: str) -> bool:
    """Tell whether AWS has the action."""
    return find(action) is not None


def access_level(action: str) -> str | None:
    """Return `List`, `Read`, `Write`, `Tagging` or `Permissions management`, or None for an unknown action."""
    found = find(action)
    return found.access_level if found else None


def resource_types(action: str) -> tuple[ResourceType, ...]:
    """Return the kinds of resource the action names; none for an unknown action and for those decided on `*`."""
    found = find(action)
    return found.resource_types if found else ()


def condition_keys(action: str) -> frozenset[str]:
    """Return the condition keys of the action and its resource types, in the form of `Action.condition_keys`."""
    found = find(action)
    return found.condition_keys if found else _NO_KEYS


def has_condition_key(action: str, key: str) -> bool:
    """Tell whether a request for the action can carry the key: one of its own, or a global one."""
    return is_global_key(key) or not _forms(key).isdisjoint(condition_keys(action))


def is_global_key(key: str) -> bool:
    """Tell whether the key (any case) is one that every service may see."""
    return not _forms(key).isdisjoint(_global_types())


def key_type(key: str) -> str | None:
    """Return a key's type (`String`, `ARN`, `Bool`, `Numeric`, `Date`, `IPAddress`, `ArrayOf...`), None if unknown."""
    prefix = key.lower().partition(":")[0]
    types = _global_types() if is_global_key(key) else _key_types(prefix)
    return next((types[form] for form in _forms(key) if form in types), None)


def _forms(key: str) -> frozenset[str]:
    """Return the spellings under which the facts may hold a key: itself, and cut behind the slash before a tag key."""
    lowered = key.lower()
    start, slash, _ = lowered.partition("/")
    return frozenset({lowered, start + slash}) if slash else frozenset({lowered})


def _glob(pattern: str) -> re.Pattern[str]:
    """Return a regular expression in which each `*` settles for its first fit, so that no pattern is slow."""
    first, *others = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    if not others:
        return re.compile(first)
    return re.compile(first + "".join(f"(?>.*?{part})" for part in others[:-1]) + f".*{others[-1]}")


@lru_cache(maxsize=1)
def _index() -> _Index:
    return msgspec.json.decode(decompress((_DATA / "actions.json.gz").read_bytes()), type=_Index)


@lru_cache(maxsize=1)
def _services() -> Mapping[str, _ServiceRow]:
    return {row.prefix: row for row in _index().services}


@lru_cache(maxsize=64)
def _service(prefix: str) -> _Service:
    row = _services()[prefix]
    with (_DATA / "actions.bin").open("rb") as stored:
        stored.seek(row.offset)
        packed = stored.read(row.size)
    block = msgspec.json.decode(zlib.decompress(packed), type=_Block)
    kinds = {kind.name: ResourceType(kind.name, kind.arn, frozenset(kind.keys)) for kind in block.resources}
    actions = {one.name.lower(): _action(prefix, one, kinds) for one in block.actions}
    return _Service(actions, kinds, {_lookup_form(key): _corrected(key, kind) for key, kind in block.keys})


def _action(prefix: str, row: _ActionRow, kinds: Mapping[str, ResourceType]) -> Action:
    """Return an action; one that AWS decides on an ARN although the reference shows no resource type gets that."""
    found = tuple(kinds[name] for name in row.resource_types if name in kinds)
    listed = LISTED_UNDER.get(f"{prefix}:{row.name}")
    if listed and not found:
        found = (ResourceType("listing", listed),)
    keys = frozenset(row.keys).union(*(kind.condition_keys for kind in found))
    return Action(prefix, row.name, row.access_level, found, keys)


@lru_cache(maxsize=1)
def _global_types() -> Mapping[str, str]:
    return {_lookup_form(key): kind for key, kind in GLOBAL_KEYS.items()}


def _key_types(prefix: str) -> Mapping[str, str]:
    """Return the types of a service's own keys; a prefix that is no service's is a federation key of STS."""
    if prefix in _services() and prefix != "sts":
        return _service(prefix).key_types
    return _service("sts").key_types


def _lookup_form(key: str) -> str:
    start, slash, last = key.rpartition("/")
    return f"{start}{slash}".lower() if last.startswith(("${", "<")) else key.lower()


def _corrected(key: str, kind: str) -> str:
    return "ArrayOfString" if key.lower() in LISTS else kind
