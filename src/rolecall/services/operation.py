"""How an operation is written: its name, its parameters, the rights it needs and what it does, in one place.

An operation without an access declaration cannot be made, and one that the service's model does not know, or whose
parameters it does not have, cannot be registered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, Protocol, TypeVar

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.caller import Caller
from rolecall.access.check import Access, Ask, Check, Denial
from rolecall.message import Request
from rolecall.objects.interface import Objects
from rolecall.store.interface import Snapshot, Store, Transaction
from rolecall.wire.checksums import Digest
from rolecall.wire.model import OperationModel, service

Result = Mapping[str, object]
"""An answer: members of the operation's output shape by their names in snake_case; None means not sent."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Base of an operation's parameters: fields are members of its input shape, in snake_case of AWS's names."""


class NoParameters(Parameters, frozen=True, kw_only=True):
    """Of operations that take none."""


P = TypeVar("P", bound=Parameters)


class Payload(Protocol):
    """A request body that is being verified while it streams: the end is reached only if every digest holds.

    But for the one that a handler may ask for, to take it with its own: that one it must have proved.
    """

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield verified bytes. Raises ServiceError where a chunk, the whole, or its length does not hold."""
        ...

    @property
    def length(self) -> int | None:
        """The number of bytes that the client declared (decoded), where it did."""
        ...

    def trailers(self) -> Mapping[str, str]:
        """Return the verified trailer lines by lower-case name. Only after `chunks` has ended."""
        ...

    def entrust(self) -> Digest | None:
        """Leave the body's own digest, where it has one, to who is about to take its `chunks`, every one of them."""
        ...

    def prove(self) -> None:
        """Hold what went through the digest that was entrusted against what was signed. Raises ServiceError."""
        ...

    def at_hand(self) -> bytes | None:
        """Return the whole, verified, in place of `chunks`, where it is short and has come; else None.

        Raises ServiceError as `chunks` does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Streams:
    """What a streaming handler works with, besides its `Allowed`."""

    store: Store
    objects: Objects
    payload: Payload


Reading = Callable[[Allowed, P, Snapshot], Result]
Fetching = Callable[[Allowed, P, Snapshot, Objects], Result]
Writing = Callable[[Allowed, P, Transaction], Result]
Streaming = Callable[[Allowed, P, Streams], Awaitable[Result]]


class Manner(Enum):
    """How gateway runs an operation."""

    READ = "read"
    """Inline, on a snapshot."""
    WRITE = "write"
    """Inside the store's write; may run twice, so it has no effect but through its transaction."""
    STREAM = "stream"
    """Asynchronous, for object bytes, and for what takes too long to do in a transaction."""
    UNBUILT = "unbuilt"
    """Authenticated, authorized, and then honestly refused with 501."""


class Call(ABC):
    """An operation together with the parameters of one request: what gateway holds, whatever the parameters' type."""

    @property
    @abstractmethod
    def manner(self) -> Manner:
        """How this call is to be run."""

    @property
    @abstractmethod
    def brief(self) -> bool:
        """Whether, as a WRITE, it reads and changes a handful of keys (see `Store.write`)."""

    @abstractmethod
    def checks(self, caller: Caller, request: Request, view: Snapshot, now: datetime) -> Sequence[Check]:
        """Return what must be allowed before the operation runs."""

    @abstractmethod
    def read(self, allowed: Allowed, view: Snapshot, objects: Objects) -> Result:
        """Run it as a READ."""

    @abstractmethod
    def write(self, allowed: Allowed, transaction: Transaction) -> Result:
        """Run it as a WRITE."""

    @abstractmethod
    def stream(self, allowed: Allowed, streams: Streams) -> Awaitable[Result]:
        """Run it as a STREAM."""


class Declared(ABC):
    """An operation as the registry holds it, whatever the type of its parameters."""

    service: str
    name: str
    full_name: str
    """`service:Name`"""
    denial: Denial
    unsigned: bool
    every_caller: bool
    built: bool
    """Whether it does anything but refuse with 501."""

    @abstractmethod
    def call(self, parameters: Mapping[str, object]) -> Call:
        """Bind the parsed parameters of one request."""


class Operation(Declared, Generic[P]):
    """One operation of a service, with one of `read`, `fetch`, `write` and `stream`; with none it is not built yet.

    Where some calls change the store and most do not, it has both `read` and `write`, and `writes` tells by a call's
    parameters which of them runs.
    """

    def __init__(
        self,
        service: str,
        name: str,
        parameters: type[P],
        access: Access[P],
        *,
        read: Reading[P] | None = None,
        fetch: Fetching[P] | None = None,
        write: Writing[P] | None = None,
        stream: Streaming[P] | None = None,
        writes: Callable[[P], bool] | None = None,
        brief: bool = False,
    ) -> None:
        """Raise TypeError for what no type checker saw: no access declaration, handlers with no choice between them."""
        self.service = service
        self.name = name
        self.full_name = f"{service}:{name}"
        if not isinstance(access, Access):
            raise TypeError(f"{self.full_name} declares no access")
        _refuse_no_choice(self.full_name, (read, fetch, write, stream), chooses=writes is not None)
        self.parameters = parameters
        self.access = access
        self.denial = access.denial
        self.unsigned = access.unsigned
        self.every_caller = access.every_caller
        self.reading = read
        self.fetching = fetch
        self.writing = write
        self.streaming = stream
        self.brief = brief
        self._writes = writes
        self._manner = (
            Manner.READ if read or fetch else Manner.WRITE if write else Manner.STREAM if stream else Manner.UNBUILT
        )
        self.built = self._manner is not Manner.UNBUILT

    def call(self, parameters: Mapping[str, object]) -> Call:
        """Bind `parameters`, which the wire has already held against the operation's model."""
        return _Call(self, msgspec.convert(parameters, self.parameters))

    def manner_of(self, parameters: P) -> Manner:
        """Return how a call with these parameters is to be run."""
        if self._writes is not None and self._writes(parameters):
            return Manner.WRITE
        return self._manner


def _refuse_no_choice(full_name: str, handlers: tuple[object, object, object, object], *, chooses: bool) -> None:
    """Raise TypeError unless it is clear which of the handlers (read, fetch, write, stream) runs."""
    read, _, write, _ = handlers
    if sum(handler is not None for handler in handlers) > (2 if chooses else 1):
        raise TypeError(f"{full_name} has more than one handler")
    if chooses and (read is None or write is None):
        raise TypeError(f"{full_name} chooses between handlers that it does not have")


class _Call(Call, Generic[P]):
    """See Call."""

    __slots__ = ("_operation", "_parameters")

    def __init__(self, operation: Operation[P], parameters: P) -> None:
        self._operation = operation
        self._parameters = parameters

    @property
    def manner(self) -> Manner:
        return self._operation.manner_of(self._parameters)

    @property
    def brief(self) -> bool:
        return self._operation.brief

    def checks(self, caller: Caller, request: Request, view: Snapshot, now: datetime) -> Sequence[Check]:
        return self._operation.access.checks(Ask(caller, self._parameters, request, view, now))

    def read(self, allowed: Allowed, view: Snapshot, objects: Objects) -> Result:
        if self._operation.fetching is not None:
            return self._operation.fetching(allowed, self._parameters, view, objects)
        if self._operation.reading is None:
            raise TypeError(f"{self._operation.name} is not a read")
        return self._operation.reading(allowed, self._parameters, view)

    def write(self, allowed: Allowed, transaction: Transaction) -> Result:
        if self._operation.writing is None:
            raise TypeError(f"{self._operation.name} is not a write")
        return self._operation.writing(allowed, self._parameters, transaction)

    def stream(self, allowed: Allowed, streams: Streams) -> Awaitable[Result]:
        if self._operation.streaming is None:
            raise TypeError(f"{self._operation.name} is not a stream")
        return self._operation.streaming(allowed, self._parameters, streams)


class Operations:
    """The operations of one service, collected where they are written."""

    def __init__(self, service_name: str) -> None:
        """Begin the table of the service named as in credential scopes: `iam`, `sts`, `s3`, `cloudtrail`."""
        self.service = service_name
        self._by_name: dict[str, Declared] = {}

    def read(self, name: str, parameters: type[P], access: Access[P]) -> Callable[[Reading[P]], Reading[P]]:
        """Declare the decorated function as the handler of a read-only operation."""

        def declare(handler: Reading[P]) -> Reading[P]:
            self.add(Operation(self.service, name, parameters, access, read=handler))
            return handler

        return declare

    def fetch(self, name: str, parameters: type[P], access: Access[P]) -> Callable[[Fetching[P]], Fetching[P]]:
        """Declare the decorated function as the handler of a read-only operation that answers with object bytes."""

        def declare(handler: Fetching[P]) -> Fetching[P]:
            self.add(Operation(self.service, name, parameters, access, fetch=handler))
            return handler

        return declare

    def write(
        self, name: str, parameters: type[P], access: Access[P], *, brief: bool = False
    ) -> Callable[[Writing[P]], Writing[P]]:
        """Declare the decorated function as the handler of an operation that changes the store.

        A `brief` one reads and changes a handful of keys, whatever the store holds.
        """

        def declare(handler: Writing[P]) -> Writing[P]:
            self.add(Operation(self.service, name, parameters, access, write=handler, brief=brief))
            return handler

        return declare

    def stream(self, name: str, parameters: type[P], access: Access[P]) -> Callable[[Streaming[P]], Streaming[P]]:
        """Declare the decorated coroutine function as the handler of an operation that moves object bytes."""

        def declare(handler: Streaming[P]) -> Streaming[P]:
            self.add(Operation(self.service, name, parameters, access, stream=handler))
            return handler

        return declare

    def read_or_write(
        self,
        name: str,
        parameters: type[P],
        access: Access[P],
        *,
        read: Reading[P],
        write: Writing[P],
        writes: Callable[[P], bool],
    ) -> None:
        """Declare an operation that changes the store only where `writes` says so of the call's parameters."""
        self.add(Operation(self.service, name, parameters, access, read=read, write=write, writes=writes))

    def unbuilt(self, name: str, parameters: type[P], access: Access[P]) -> None:
        """Declare an operation that is authenticated and authorized like any other and then answers 501."""
        self.add(Operation(self.service, name, parameters, access))

    def add(self, operation: Operation[P]) -> None:
        """Take in an operation. Raises TypeError for one that the model does not have, or twice."""
        model = service(self.service).operations.get(operation.name)
        if model is None:
            raise TypeError(f"the model of {self.service} has no operation {operation.name}")
        if operation.name in self._by_name:
            raise TypeError(f"{self.service}:{operation.name} is declared twice")
        _refuse_unknown_parameters(operation, model)
        self._by_name[operation.name] = operation

    def missing(self) -> list[str]:
        """Return the names of the model's operations that nobody has declared."""
        return sorted(set(service(self.service).operations) - set(self._by_name))

    def __iter__(self) -> Iterator[Declared]:
        """Yield the operations by name."""
        return iter(sorted(self._by_name.values(), key=lambda operation: operation.name))


def _refuse_unknown_parameters(operation: Operation[P], model: OperationModel) -> None:
    known = set(model.input.members) if model.input else set()
    for field in msgspec.structs.fields(operation.parameters):
        if field.name not in known:
            raise TypeError(f"{operation.service}:{operation.name} has no parameter {field.name}")


class Registry:
    """Every operation of every service, by service and name."""

    def __init__(self, *tables: Operations) -> None:
        """Collect `tables`, one a service. Raises TypeError where a table leaves an operation of its model out."""
        for table in tables:
            if missing := table.missing():
                raise TypeError(f"{table.service} leaves operations undeclared: {', '.join(missing)}")
        self._found = {(operation.service, operation.name): operation for table in tables for operation in table}

    def find(self, service_name: str, name: str) -> Declared:
        """Return the operation. Raises KeyError where no such service or operation is served."""
        return self._found[service_name, name]

    def __iter__(self) -> Iterator[Declared]:
        """Yield all operations."""
        return iter(self._found.values())
