"""Access Analyzer's operations: the checks of policies; analyzers and their findings are declared, not built yet."""

from __future__ import annotations

from rolecall.access.check import Access, Check, Denial
from rolecall.services.operation import NoParameters, Operations
from rolecall.wire.model import service

SERVICE = "access-analyzer"

operations = Operations(SERVICE)


def on_anything(name: str) -> Access[NoParameters]:
    """Declare the right that an operation needs; no analyzer exists whose ARN could narrow it."""
    return Access(lambda _: [Check(f"{SERVICE}:{name}")], denial=Denial.JSON)


def declare_unbuilt(built: frozenset[str]) -> None:
    """Declare every operation of the model that is not among those built."""
    for name in service(SERVICE).operations:
        if name not in built:
            operations.unbuilt(name, NoParameters, on_anything(name))
