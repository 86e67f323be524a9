"""What became of each request, told at its end: counted, timed, noted of its credentials, and written to the trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rolecall.access.allowed import Allowed
from rolecall.access.audit import Happened
from rolecall.access.authenticate import Authenticated
from rolecall.access.authorize import Denied, decisions_of
from rolecall.access.limits import THROTTLES
from rolecall.access.uses import Uses
from rolecall.measures import Measures
from rolecall.message import Request, ServiceError
from rolecall.trail import Trail
from rolecall.wire.route import Routed


@dataclass(slots=True)
class Trace:
    """How far a request came and what each stage made of it. Stages that were not reached left nothing."""

    sent: Request
    """As it came, which is what was signed."""
    service: str
    request_id: str
    now: datetime
    request: Request
    """As it is understood: a presigned URL's headers are among its headers."""
    routed: Routed | None = None
    proof: Authenticated | None = None
    parameters: Mapping[str, object] | None = None
    allowed: Allowed | None = None
    result: Mapping[str, object] | None = None


class Journal:
    """Where the gateway tells what a request came to. One a process."""

    def __init__(self, trail: Trail, uses: Uses, measures: Measures, account: str) -> None:
        """Tell these. Events of nobody's account are written down for `account`."""
        self._trail = trail
        self._uses = uses
        self._measures = measures
        self._account = account

    def close(self, trace: Trace, status: int, error: ServiceError | None, seconds: float) -> None:
        """Tell of a request whose answer has this status and took so long, before the answer leaves.

        Preflights are nobody's doing, and who sends too much must not fill the trail: those are counted alone.
        """
        operation = trace.routed.operation.name if trace.routed else ""
        self._measures.request(trace.service, operation, _outcome(status, error), seconds)
        if trace.request.method == "OPTIONS" or (error is not None and error.code in THROTTLES):
            return
        if trace.proof is not None:
            self._uses.note(trace.proof.caller, trace.proof.facts, trace.service, trace.now)
        self._trail.record(self._happened(trace, operation, status, error))

    def _happened(self, trace: Trace, operation: str, status: int, error: ServiceError | None) -> Happened:
        proof, allowed = trace.proof, trace.allowed
        decisions = error.decisions if isinstance(error, Denied) else decisions_of(allowed) if allowed else ()
        return Happened(
            trace.request,
            trace.request_id,
            status,
            self._account,
            service=trace.service,
            operation=operation,
            caller=proof.caller if proof else None,
            signature=proof.facts if proof else None,
            parameters=trace.parameters,
            decisions=decisions,
            result=trace.result,
            error=error,
        )


def _outcome(status: int, error: ServiceError | None) -> str:
    """Return how a request ended, in the words of `measures.OUTCOMES`."""
    if error is None:
        return "allowed"
    if error.code in THROTTLES:
        return "throttled"
    if status == 403:
        return "denied"
    return "failed" if status >= 500 and status != 501 else "refused"
