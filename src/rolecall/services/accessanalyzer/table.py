"""Access Analyzer's operations: the checks of policies; analyzers and their findings are declared, not built yet."""

from __future__ import annotations

from rolecall.access.check import Access, Check, Denial
from rolecall.services.operation import NoParameters, Operations

SERVICE = "access-analyzer"

operations = Operations(SERVICE)


def declare_unbuilt() -> None:
    """Declare every operation of the model that nobody has declared.

    Analyzers have ARNs; while there is none, the right is asked for on all.
    """
    for name in operations.missing():
        operations.unbuilt(name, NoParameters, _on_anything(name))


def _on_anything(name: str) -> Access[NoParameters]:
    return Access(lambda _: [Check(f"{SERVICE}:{name}")], denial=Denial.JSON)
