"""CloudTrail's operations: LookupEvents over the trail, trails and their selectors; the others are not built yet."""

from __future__ import annotations

from rolecall.access.check import Access, Check, Denial
from rolecall.services.cloudtrail import event_selectors, trails
from rolecall.services.cloudtrail.lookup import LOOKUP, Lookup, LookupEvents
from rolecall.services.operation import NoParameters, Operation, Operations
from rolecall.trail import Trail


def operations(trail: Trail) -> Operations:
    """Return the operations over `trail`."""
    table = Operations("cloudtrail")
    table.add(Operation("cloudtrail", "LookupEvents", LookupEvents, LOOKUP, read=Lookup(trail)))
    trails.declare(table)
    event_selectors.declare(table)
    for name in table.missing():
        table.unbuilt(name, NoParameters, _on_anything(name))
    return table


def _on_anything(name: str) -> Access[NoParameters]:
    """Declare the right an operation needs; which trail or store it is about does not matter while there is none."""
    return Access(lambda _: [Check(f"cloudtrail:{name}")], denial=Denial.JSON)
