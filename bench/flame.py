"""A flame picture: which functions of the house are under way how long, each as wide as its share of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

Stack = tuple[str, ...]
"""Functions from the outermost to the innermost, each as `room/file: function`."""

_WIDTH = 1200
_HEIGHT = 17
_LEAST = 0.003
"""Of the whole: what is narrower is not drawn."""
_LETTER = 6.2
_ROOMS = ("gateway", "access", "sigv4", "wire", "policy", "services", "directory", "store", "buckets", "trail")
_COLORS = (
    *("#e0e0e0", "#f4b183", "#ffe699", "#c5e0b3", "#b4c7e7", "#d9c3e0"),
    *("#f4cccc", "#9fd3c7", "#d6c6a8", "#e6b8d0", "#efefef"),
)
"""Of the rooms, and of all others."""


@dataclass
class _Node:
    weight: int = 0
    below: dict[str, _Node] = field(default_factory=dict)


def picture(stacks: Counter[Stack], title: str) -> str:
    """Return the picture as SVG. The weights of `stacks` are whatever is to be compared, microseconds for one."""
    top = _Node()
    for stack, weight in stacks.items():
        node = top
        node.weight += weight
        for name in stack:
            node = node.below.setdefault(name, _Node())
            node.weight += weight
    boxes = list(_boxes(top, 0.0, 0, top.weight or 1))
    depth = 1 + max((level for _, _, level, _ in boxes), default=0)
    height = (depth + 2) * _HEIGHT
    drawn = "\n".join(_drawn(name, left, level, share) for name, left, level, share in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="monospace"'
        f' font-size="11">\n<text x="4" y="13">{escape(title)}</text>\n{drawn}\n</svg>\n'
    )


def _boxes(node: _Node, left: float, level: int, whole: int) -> Iterator[tuple[str, float, int, float]]:
    """Yield name, left edge, level and share of each function below `node` that is wide enough to be seen."""
    for name, inner in sorted(node.below.items()):
        share = inner.weight / whole
        if share >= _LEAST:
            yield name, left, level, share
            yield from _boxes(inner, left, level + 1, whole)
        left += share


def _drawn(name: str, left: float, level: int, share: float) -> str:
    x, y, width = left * _WIDTH, (level + 1.5) * _HEIGHT, share * _WIDTH
    room = name.partition("/")[0].partition(":")[0]
    color = _COLORS[_ROOMS.index(room) if room in _ROOMS else -1]
    function = name.partition(": ")[2] or name
    shown = function if len(function) * _LETTER < width else function[: max(0, int(width / _LETTER) - 1)]
    text = f'<text x="{x + 2:.1f}" y="{y + 12:.1f}">{escape(shown)}</text>' if len(shown) > 2 else ""
    return (
        f'<g><title>{escape(name)} {share:.1%}</title><rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 0.5, 0.5):.1f}"'
        f' height="{_HEIGHT - 1}" fill="{color}"/>{text}</g>'
    )
