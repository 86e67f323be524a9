"""The models' constraints, compiled, and AWS's sentences about values that break them.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html (ValidationError)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rolecall.message import ServiceError
from rolecall.wire.model import Shape
from rolecall.wire.patterns import compiled

LONGEST_SHOWN = 2048
"""A value longer than this is not repeated to the caller."""


class Violations:
    """What is wrong with the parameters of one request, collected so that the caller hears of all of it at once."""

    __slots__ = ("_items", "_refusal")

    def __init__(self) -> None:
        """Begin with nothing wrong."""
        self._items: list[str] = []
        self._refusal = ""

    def add(self, path: str, constraint: str, shown: str | None = None) -> None:
        """Say that the value at `path` breaks `constraint`; `shown` is the value, where it may be repeated."""
        value = "" if shown is None or len(shown) > LONGEST_SHOWN else f" '{shown}'"
        self._items.append(f"Value{value} at '{path}' failed to satisfy constraint: {constraint}")

    def refuse(self, sentence: str) -> None:
        """Say what is wrong in a sentence of the service's own; it is heard only where no constraint is broken."""
        self._refusal = self._refusal or sentence

    def __bool__(self) -> bool:
        """Tell whether anything is wrong."""
        return bool(self._items or self._refusal)

    def error(self, code: str) -> ServiceError:
        """Return the refusal that says everything."""
        if not self._items:
            return ServiceError(code, self._refusal)
        plural = "" if len(self._items) == 1 else "s"
        return ServiceError(code, f"{len(self._items)} validation error{plural} detected: {'; '.join(self._items)}")


Check = Callable[[object, str, Violations], None]

NOT_NULL = "Member must not be null"


def check_of(shape: Shape) -> Check | None:
    """Return the check of a simple value or of a list's length; None where the model constrains nothing."""
    constraints = _constraints(shape)
    if not constraints:
        return None
    hidden = shape.traits.sensitive
    refusal = shape.traits.refusal

    def check(value: object, path: str, violations: Violations) -> None:
        for holds, sentence in constraints:
            if holds(value):
                continue
            if refusal and sentence.startswith(_PATTERN):
                violations.refuse(refusal.replace("{member}", path))
            else:
                violations.add(path, sentence, None if hidden else _shown(value))

    return check


def check_of_elements(shape: Shape, element: Shape) -> Check | None:
    """Return the check of the simple values in a list, which AWS reports together, at the list's own path."""
    constraints = _constraints(element)
    if not constraints:
        return None
    sentence = f"Member must satisfy constraint: [{', '.join(text for _, text in constraints)}]"
    hidden = shape.traits.sensitive or element.traits.sensitive

    def check(values: object, path: str, violations: Violations) -> None:
        if not isinstance(values, list):
            return
        for value in values:
            for holds, _ in constraints:
                if not holds(value):
                    violations.add(path, sentence, None if hidden else _shown(values))
                    return

    return check


def fine_text(shape: Shape) -> Callable[[str], bool] | None:
    """Return one test for all constraints of a text, since most values break none; None for one of listed values."""
    traits = shape.traits
    if shape.type != "string" or traits.enum:
        return None
    least, most = traits.min or 0, float("inf") if traits.max is None else traits.max
    fullmatch = compiled(traits.pattern).fullmatch if traits.pattern else None
    if fullmatch is None:
        return lambda value: least <= len(value) <= most
    return lambda value: least <= len(value) <= most and fullmatch(value) is not None


_PATTERN = "Member must satisfy regular expression pattern: "


def _constraints(shape: Shape) -> Sequence[tuple[Callable[[object], bool], str]]:
    """Return each constraint of a shape as a test and AWS's sentence."""
    traits = shape.traits
    found: list[tuple[Callable[[object], bool], str]] = []
    if shape.type in {"integer", "long", "float", "double"}:
        if (most := traits.max) is not None:
            found.append((_at_most(most), f"Member must have value less than or equal to {most:g}"))
        if (least := traits.min) is not None:
            found.append((_at_least(least), f"Member must have value greater than or equal to {least:g}"))
    elif shape.type in {"string", "list", "map", "blob"}:
        if (longest := traits.max) is not None:
            found.append((_no_longer(longest), f"Member must have length less than or equal to {int(longest)}"))
        if shortest := traits.min:
            found.append((_no_shorter(shortest), f"Member must have length greater than or equal to {int(shortest)}"))
    if traits.pattern and shape.type == "string":
        found.append((_matches(traits.pattern), f"{_PATTERN}{traits.pattern}"))
    if traits.enum:
        found.append((_one_of(traits.enum), f"Member must satisfy enum value set: [{', '.join(traits.enum)}]"))
    return tuple(found)


def _at_most(limit: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and value <= limit


def _at_least(limit: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and value >= limit


def _no_longer(limit: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str | bytes | list | dict) and len(value) <= limit


def _no_shorter(limit: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str | bytes | list | dict) and len(value) >= limit


def _matches(pattern: str) -> Callable[[object], bool]:
    fullmatch = compiled(pattern).fullmatch
    return lambda value: isinstance(value, str) and fullmatch(value) is not None


def _one_of(values: Sequence[str]) -> Callable[[object], bool]:
    known = frozenset(values)
    return lambda value: value in known


def _shown(value: object) -> str | None:
    """Spell a value as AWS repeats it; None for what it would spell as a Java object."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return None if any(isinstance(entry, list | dict) for entry in value) else f"[{', '.join(map(str, value))}]"
    return str(value) if isinstance(value, int | float) else None
