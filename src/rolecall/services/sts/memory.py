"""What STS need not read again while the store's watermark stands: the session keys, and roles by their ARN.

STS only reads, so what it sees is always a committed state, and the watermark's epoch tells stores apart.
"""

from __future__ import annotations

from rolecall.directory.principals import Role, role_by_arn
from rolecall.directory.sessions import SessionKeys, session_keys
from rolecall.store.interface import Snapshot

_MOST = 10_000


class Memory:
    """What was read at one mark."""

    __slots__ = ("_keys", "_roles", "mark")

    def __init__(self, mark: bytes) -> None:
        """Begin empty."""
        self.mark = mark
        self._keys: SessionKeys | None = None
        self._roles: dict[str, Role | None] = {}

    def keys(self, view: Snapshot) -> SessionKeys:
        """Return the session keys."""
        if self._keys is None:
            self._keys = session_keys(view)
        return self._keys

    def role(self, view: Snapshot, arn: str) -> Role | None:
        """Return the role with exactly this ARN, or None."""
        if arn not in self._roles:
            if len(self._roles) >= _MOST:
                self._roles.clear()
            self._roles[arn] = role_by_arn(view, arn)
        return self._roles[arn]


_newest = [Memory(b"")]


def remembered(view: Snapshot) -> Memory:
    """Return what is remembered of the state that `view` shows."""
    mark = view.watermark()
    memory = _newest[0]
    if memory.mark != mark:
        memory = _newest[0] = Memory(mark)
    return memory
