"""`Allowed`: the proof that a request was authorized, which every handler's signature asks for.

Only `access.authorize` can make one: the class has no fields to replace and refuses subclasses from other modules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.check import Check
from rolecall.message import Request
from rolecall.store.interface import Snapshot

_MAKER = "rolecall.access.authorize"


class Allowed(ABC):
    """What the authorizer hands to a handler, and to nobody else."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Refuse a subclass defined anywhere but in the authorizer."""
        if cls.__module__ != _MAKER:
            raise TypeError(f"only {_MAKER} makes an Allowed, not {cls.__module__}")

    @property
    @abstractmethod
    def caller(self) -> Caller:
        """Who was allowed."""

    @property
    @abstractmethod
    def signature(self) -> SignatureFacts:
        """How the request was signed."""

    @property
    @abstractmethod
    def request(self) -> Request:
        """The request that was allowed."""

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The one moment of this request."""

    @property
    @abstractmethod
    def request_id(self) -> str:
        """The id that the answer, the trail and the log carry."""

    @abstractmethod
    def is_for(self, request: Request, operation: str) -> bool:
        """Tell whether this was given for exactly this request and operation (`service:Name`)."""

    @abstractmethod
    def permits(self, view: Snapshot, check: Check) -> bool:
        """Tell whether the same caller is allowed a further check of the same request, without a word of why."""

    @abstractmethod
    def require(self, view: Snapshot, check: Check) -> None:
        """Raise ServiceError AccessDenied (403) unless the same caller is allowed a further check; the trail hears."""
