"""A policy document as a value: what was written, with nothing decided yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

VERSIONS = ("2008-10-17", "2012-10-17")
PRINCIPAL_TYPES = ("AWS", "Service", "Federated", "CanonicalUser")


class Effect(Enum):
    """What an applying statement does."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class PrincipalValue:
    """One value of a Principal element, with the type it stands under (`AWS`, `Service`, ...)."""

    type: str
    value: str
    statement: int
    """The position of its statement, from 0."""


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A statement's Principal or NotPrincipal."""

    values: tuple[PrincipalValue, ...]
    negated: bool = False
    plain: bool = False
    """Written as the text `"*"` and not as an object; it then has the one value `AWS: *`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a Condition element: an operator, a key and the values it is compared with, all as written."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, as written. `resources` is None where the statement has neither Resource nor NotResource."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None = None
    sid: str = ""
    principal: PrincipalElement | None = None
    conditions: tuple[Condition, ...] = ()
    not_actions: bool = False
    not_resources: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document."""

    version: str
    statements: tuple[Statement, ...]
    id: str = ""
    text: str = ""
    """The JSON text it was read from."""

    @property
    def has_variables(self) -> bool:
        """Whether `${...}` stands for something; in documents of 2008-10-17 it is plain text."""
        return self.version == VERSIONS[1]
