"""AWS's service models as values: services, operations, shapes and their members.

Whatever speaks a protocol is compiled from these once; nobody walks them while a request waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

from rolecall.wire.pinned import (
    ChecksumRecord,
    ModelRecord,
    OperationRecord,
    Reference,
    ShapeRecord,
    XmlNamespace,
    load,
    pinned_services,
)

_PLURAL_ACRONYM = re.compile(r"[A-Z]{2,}s$")
_WORD = re.compile(r"(.)([A-Z][a-z]+)")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")


@lru_cache(maxsize=8192)
def snake(name: str) -> str:
    """Spell one of AWS's names in snake_case: `UserName` is `user_name`, `SSEKMSKeyId` is `ssekms_key_id`.

    It is the spelling that boto3 gives its methods, so that people know it.
    """
    if "_" in name:
        return name
    if plural := _PLURAL_ACRONYM.search(name):
        name = f"{name[: plural.start()]}_{plural.group().lower()}"
    return _HUMP.sub(r"\1_\2", _WORD.sub(r"\1_\2", name)).lower()


@dataclass(frozen=True, eq=False)
class Member:
    """A use of a shape by another shape or by an operation."""

    name: str
    """AWS's name: `UserName`; of list elements `member`."""
    snake: str
    traits: Reference
    model: ServiceModel

    @cached_property
    def shape(self) -> Shape:
        """The shape that is used."""
        return self.model.shape(self.traits.shape)

    @property
    def location(self) -> str:
        """Where an HTTP-bound member travels: `header`, `headers`, `querystring`, `uri`, `statusCode`; else empty.

        The overlay's `form` and `forms` are the same for the fields of an HTML form (PostObject).
        """
        return self.traits.location

    @property
    def wire_name(self) -> str:
        """The name on the wire: the member's location name, or its own."""
        return self.traits.location_name or self.name

    @property
    def flattened(self) -> bool:
        """Whether a list or map is written without an element around it."""
        return self.traits.flattened or self.shape.traits.flattened

    @property
    def streaming(self) -> bool:
        """Whether the member is a body that is not held in memory."""
        return self.traits.streaming or self.shape.traits.streaming or self.shape.traits.event_stream

    @property
    def xml_namespace(self) -> XmlNamespace | None:
        """The namespace its element declares, if any."""
        return self.traits.xml_namespace or self.shape.traits.xml_namespace

    @property
    def timestamp_format(self) -> str:
        """The timestamp format that member or shape asks for (`iso8601`, `rfc822` ...); empty where neither does."""
        return self.traits.timestamp_format or self.shape.traits.timestamp_format


@dataclass(frozen=True, eq=False)
class Shape:
    """A type: its name, its kind and what it is made of."""

    name: str
    traits: ShapeRecord
    model: ServiceModel

    @property
    def type(self) -> str:
        """The kind: `structure`, `list`, `map`, `string`, `integer`, `long`, `boolean`, `timestamp`, `blob` ..."""
        return self.traits.type

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """A structure's members by their names in snake_case, in the model's order; empty for other kinds."""
        found = (Member(name, snake(name), traits, self.model) for name, traits in self.traits.members.items())
        return MappingProxyType({member.snake: member for member in found})

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The required members' names in snake_case."""
        return tuple(snake(name) for name in self.traits.required)

    @cached_property
    def element(self) -> Member:
        """What a list holds. Raises TypeError for other kinds."""
        return self._use("member", self.traits.member)

    @cached_property
    def key(self) -> Member:
        """A map's key. Raises TypeError for other kinds."""
        return self._use("key", self.traits.key)

    @cached_property
    def value(self) -> Member:
        """A map's value. Raises TypeError for other kinds."""
        return self._use("value", self.traits.value)

    @cached_property
    def payload(self) -> Member | None:
        """The member that is the whole HTTP body, if one is."""
        return self.members[snake(self.traits.payload)] if self.traits.payload else None

    def _use(self, name: str, traits: Reference | None) -> Member:
        if traits is None:
            raise TypeError(f"{self.name} is a {self.type} and has no {name}")
        return Member(name, name, traits, self.model)


@dataclass(frozen=True, eq=False)
class OperationModel:
    """One operation of a service."""

    name: str
    traits: OperationRecord
    model: ServiceModel

    @property
    def service(self) -> str:
        """The name of the operation's service."""
        return self.model.name

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.traits.http.method

    @property
    def uri(self) -> str:
        """The request URI's template, with its constant query."""
        return self.traits.http.request_uri

    @property
    def status(self) -> int:
        """The HTTP status of a success."""
        return self.traits.http.response_code

    @cached_property
    def input(self) -> Shape | None:
        """The shape of the parameters; None where the operation takes none."""
        return self.model.shape(self.traits.input.shape) if self.traits.input else None

    @cached_property
    def output(self) -> Shape | None:
        """The shape of the answer; None where it has none."""
        return self.model.shape(self.traits.output.shape) if self.traits.output else None

    @cached_property
    def errors(self) -> tuple[Shape, ...]:
        """The exceptions that the model lists for it."""
        return tuple(self.model.shape(reference.shape) for reference in self.traits.errors)

    @property
    def streaming_input(self) -> bool:
        """Whether the request body is a stream that parsing leaves alone."""
        return self.input is not None and self.input.payload is not None and self.input.payload.streaming

    @property
    def checksum(self) -> ChecksumRecord | None:
        """What the operation says about checksums, if anything."""
        return self.traits.http_checksum


class _Operations(Mapping[str, OperationModel]):
    """The operations by name, each made when it is first asked for."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._made: dict[str, OperationModel] = {}

    def __getitem__(self, name: str) -> OperationModel:
        if name not in self._made:
            self._made[name] = OperationModel(name, self._model.record.operations[name], self._model)
        return self._made[name]

    def named(self, name: str) -> OperationModel | None:
        """Return the operation of this name, or None."""
        found = self._made.get(name)
        return self.get(name) if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.record.operations)

    def __len__(self) -> int:
        return len(self._model.record.operations)


class ServiceModel:
    """A service: what it is called, how it speaks, what it can do. Two calls for one name give one object."""

    def __init__(self, name: str, record: ModelRecord) -> None:
        """Make the model of the service `name` from its pinned record."""
        self.name = name
        self.record = record
        self.api_version = record.metadata.api_version
        """The version in the query protocol's Version: `2010-05-08`."""
        self.protocol = record.metadata.protocol
        """The protocol: `query`, `rest-xml`, `json` or `rest-json`."""
        self.operations = _Operations(self)
        self._shapes: dict[str, Shape] = {}

    @property
    def xml_namespace(self) -> str:
        """The namespace of the service's XML answers; empty where it has none."""
        namespace = self.record.metadata.xml_namespace
        return namespace if isinstance(namespace, str) else namespace.uri

    @property
    def target_prefix(self) -> str:
        """What stands before the operation in the JSON protocol's X-Amz-Target; empty for other protocols."""
        return self.record.metadata.target_prefix

    def shape(self, name: str) -> Shape:
        """Return the shape `name`. Raises KeyError where the model has none."""
        if name not in self._shapes:
            self._shapes[name] = Shape(name, self.record.shapes[name], self)
        return self._shapes[name]


@lru_cache(maxsize=64)
def service(name: str) -> ServiceModel:
    """Return the model of the service `name`, spelled as in credential scopes. Raises KeyError where none is pinned."""
    return ServiceModel(name, load(name))


def services() -> tuple[str, ...]:
    """Return the names of all services whose models are pinned."""
    return pinned_services()
