"""Which access keys and roles were used last and when: noted in passing, written down now and then.

A request must not wait for, or cause, a write because of it; AWS too is some time behind with what it shows.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from rolecall.access.caller import Caller, SignatureFacts
from rolecall.access.context import DEFAULT_REGION
from rolecall.directory.uses import LastUse, RoleUse, note_role_use, note_use
from rolecall.store.interface import Store, Transaction


class Uses:
    """What a process has seen used since it last wrote it down."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._keys: dict[str, LastUse] = {}
        self._roles: dict[tuple[str, str], RoleUse] = {}

    def note(self, caller: Caller, facts: SignatureFacts, service: str, now: datetime) -> None:
        """Remember that an authenticated caller asked something of a service."""
        if caller.key is not None:
            self._keys[caller.access_key_id] = LastUse(date=now, service=service, region=facts.region or DEFAULT_REGION)
        elif caller.role is not None:
            role = caller.account, caller.role.role_id
            self._roles[role] = RoleUse(date=now, region=facts.region or DEFAULT_REGION)

    async def write_down(self, store: Store) -> None:
        """Keep what was seen. Raises StoreError, and has then still seen it."""
        keys, roles = dict(self._keys), dict(self._roles)
        if not keys and not roles:
            return

        def keep(transaction: Transaction) -> None:
            for access_key_id, use in keys.items():
                note_use(transaction, access_key_id, replace(use, date=use.date.replace(microsecond=0)))
            for (account, role_id), role_use in roles.items():
                whole = replace(role_use, date=role_use.date.replace(microsecond=0))
                note_role_use(transaction, account, role_id, whole)

        await store.write(keep)
        self._keys = {key: use for key, use in self._keys.items() if keys.get(key) is not use}
        self._roles = {role: use for role, use in self._roles.items() if roles.get(role) is not use}
