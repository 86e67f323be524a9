"""Explanations on a terminal: prose is folded between words under its own indentation, what is to be pasted is not."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

_PASTED = ("{", "aws iam ")


def show(told: Text) -> None:
    """Print an explanation; what goes to another program is not folded at all."""
    console = Console(highlight=False)
    for line in told.split("\n"):
        plain = line.plain
        indent = len(plain) - len(plain.lstrip())
        if not console.is_terminal or plain[indent:].startswith(_PASTED):
            console.print(line, soft_wrap=True)
        else:
            console.print(Padding(line[indent:], (0, 0, 0, indent)))
