"""What STS need not read again while the store's watermark stands: the session keys, and roles by their ARN.

What a snapshot shows is always a committed state, and the watermark's epoch tells stores apart. A transaction may show
what is never committed, and runs in another thread: it begins with nothing remembered and leaves nothing behind.
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


class _Newest:
    """What is remembered last, and of which view: one view shows one state, so its mark is read once."""

    def __init__(self) -> None:
        self._view: Snapshot | None = None
        self._memory = Memory(b"")

    def of(self, view: Snapshot) -> Memory:
        if view is not self._view:
            mark = view.watermark()
            if mark != self._memory.mark:
                self._memory = Memory(mark)
            self._view = view
        return self._memory


remembered = _Newest().of
"""Returns what is remembered of the state that a snapshot shows. Not for transactions."""


def nothing_remembered() -> Memory:
    """Return a memory for one transaction."""
    return Memory(b"")
