"""How answers show the owner of a bucket and of what is in it."""

from __future__ import annotations

from rolecall.directory.accounts import account
from rolecall.store.interface import Snapshot


def owner_of(view: Snapshot, account_id: str) -> dict[str, str]:
    """Return the `Owner` of an answer: the account's canonical user id, and its alias or number as its name."""
    found = account(view, account_id)
    if found is None:
        return {"id": "", "display_name": account_id}
    return {"id": found.canonical_id, "display_name": found.alias or account_id}
