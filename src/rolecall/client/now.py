"""A refused request of the past, asked again of the policies as they are now, with the asker's own rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rolecall.client.changes import changes_since
from rolecall.client.events import Record
from rolecall.client.policies import bucket_policy, simulate
from rolecall.client.record import objects, text
from rolecall.client.sending import Refused, Unreachable
from rolecall.client.sentence import RESOURCE, SESSION, TRUST, bucket_of, decisive, has_layer, is_missing
from rolecall.client.settings import Connection

_FROM_CALLER = ("aws:principal", "aws:userid", "aws:username", "aws:resourceaccount", "aws:resourcetag/")
"""Condition keys that the simulator fills in by itself."""


@dataclass(frozen=True, slots=True)
class Now:
    """The answer to the repeated question."""

    decision: str
    """`allowed`, `implicitDeny` or `explicitDeny`; empty where it could not be asked."""
    sentence: str


def ask_again(at: Connection, record: Record) -> Now | None:
    """Return what the policies make of a refused request now; None where no policy had refused it."""
    check = decisive(record)
    keys = check.get("conditionKeys") if check is not None else None
    if check is None or text(check, "outcome") == "allow" or not isinstance(keys, Mapping):
        return None
    source = text(record, "userIdentity", "sessionContext", "sessionIssuer", "arn") or text(
        record, "userIdentity", "arn"
    )
    if ":user/" not in source and ":role/" not in source:
        return None
    unknown = _unknown(record, check)
    if unknown:
        return Now("", unknown)
    action, resource = text(check, "action"), text(check, "resource")
    bucket = bucket_of(resource)
    try:
        policy = bucket_policy(at, bucket) if bucket else None
        (result,) = simulate(
            at, source, action, [resource], _context(keys), policy, text(check, "resourceAccount") if bucket else ""
        )
    except (Refused, Unreachable) as problem:
        return Now("", f"Whether the policies refuse it now cannot be told: {problem}")
    if bucket and policy is None and has_layer(check, RESOURCE):
        return Now("", "Whether it is refused now cannot be told: the bucket's policy is gone, or not yours to read.")
    if result.allowed:
        return Now(result.decision, f"It would be allowed now: {_changed(at, record, check)}.")
    return Now(result.decision, "The policies as they are now refuse it too.")


def _changed(at: Connection, record: Record, check: Record) -> str:
    changes = changes_since(at, record, check)
    return f"changed since by {', '.join(changes)}" if changes else "the policies have changed since"


def _unknown(record: Record, check: Record) -> str:
    """Say what keeps the question from being asked again, if anything does."""
    if is_missing(check, SESSION):
        return "A session without a session policy stays without one for as long as it lasts."
    session = [text(one, "outcome") for one in objects(check, "explanation") if text(one, "layer") == SESSION]
    if text(check, "layer") == SESSION or any(outcome != "allow" for outcome in session):
        return "The session's own policy refuses it for as long as the session lasts."
    account = text(check, "resourceAccount")
    if has_layer(check, TRUST) and account not in {"", text(record, "recipientAccountId")}:
        return f"Whether account {account} refuses it now, only that account can tell."
    return ""


def _context(keys: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the condition keys of the request as a simulation takes them: no name is shorter than five characters."""
    return {
        key: [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for key, value in keys.items()
        if not key.startswith(_FROM_CALLER) and value != [] and len(key) >= 5
    }
