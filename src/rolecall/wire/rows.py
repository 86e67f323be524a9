"""Many structures of one shape, column by column: what a listing shows, written without a mapping for each line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

from rolecall.wire.model import Member, Shape
from rolecall.wire.scalars import is_scalar

Spell = Callable[[object], str]


class Same:
    """A column that has one value in every row."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Take the value; None is not sent."""
        self.value = value


Column = Sequence[object] | Same


class Rows:
    """Structures as columns: each member's name in snake_case with its value in every row. None is not sent.

    Values are hashable, save those of simple members and of `Same`.
    """

    __slots__ = ("columns", "count")

    def __init__(self, count: int, columns: Mapping[str, Column]) -> None:
        """Raise ValueError where a column has another number of values."""
        if any(not isinstance(column, Same) and len(column) != count for column in columns.values()):
            raise ValueError(f"not every column has {count} values")
        self.count = count
        self.columns = columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.count

    def text(
        self, shape: Shape, name: str, element: Callable[[Member, object], str], spelling: Callable[[Member], Spell]
    ) -> str:
        """Return the rows as XML elements called `name`, with the members in the order of `shape`.

        `element` writes a member with its tags, `spelling` gives how the value of a simple one is spelled.
        """
        template = [f"<{name}>"]
        cells: list[Iterable[str]] = [repeat("", self.count)]
        for member in shape.members.values():
            column = self.columns.get(member.snake)
            if column is None or not self.count:
                continue
            if not isinstance(column, Same) and column.count(column[0]) == self.count:
                column = Same(column[0])
            if isinstance(column, Same):
                said = element(member, column.value) if column.value is not None else ""
                template.append(said.replace("%", "%%"))
            elif is_scalar(member.shape) and None not in column:
                template.append(f"<{member.wire_name}>%s</{member.wire_name}>")
                cells.append(_spelled(column, member, spelling(member)))
            else:
                template.append("%s")
                cells.append(_elements(column, member, element))
        return "".join(map(f"%s{''.join(template)}</{name}>".__mod__, zip(*cells, strict=True)))


def _spelled(column: Sequence[object], member: Member, spell: Spell) -> Iterable[str]:
    """Spell simple values: texts all together, moments once for all that are equal."""
    if member.shape.type == "string":
        texts = [value if isinstance(value, str) else str(value) for value in column]
        together = spell("\n".join(texts)).split("\n")  # a line end is never escaped
        return together if len(together) == len(texts) else map(spell, texts)
    if member.shape.type == "timestamp":
        return map({value: spell(value) for value in set(column)}.__getitem__, column)
    return map(spell, column)


def _elements(column: Sequence[object], member: Member, element: Callable[[Member, object], str]) -> Iterable[str]:
    """Write values that are missing here and there, or are not simple, each different one once."""
    written = {value: "" if value is None else element(member, value) for value in set(column)}
    return map(written.__getitem__, column)
