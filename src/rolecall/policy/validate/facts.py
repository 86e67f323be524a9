"""What validation asks about AWS's actions. The room itself knows none; the catalog answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ResourceFacts(Protocol):
    """A kind of resource."""

    @property
    def pattern(self) -> str:
        """Its ARN with a `*` for each part that varies."""
        ...


class ActionFacts(Protocol):
    """An action."""

    @property
    def full_name(self) -> str:
        """The action as policies name it."""
        ...

    @property
    def resource_types(self) -> Sequence[ResourceFacts]:
        """The kinds of resource it applies to; none for an action that is decided on `*`."""
        ...


class Facts(Protocol):
    """AWS's actions."""

    def matching(self, pattern: str, /) -> Sequence[ActionFacts]:
        """Return the actions that a pattern of an Action element names; none: AWS has no such action."""
        ...

    def has_condition_key(self, action: str, key: str, /) -> bool:
        """Tell whether requests for an action can carry a condition key."""
        ...
