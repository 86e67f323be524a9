"""The border where SQLite's and the system's errors become the store's own."""

from __future__ import annotations

import errno
import os

import apsw

from rolecall.store.interface import StoreBusy, StoreError, StoreUnavailable

FAULTS = (apsw.Error, OSError)
"""What the driver and the files under it raise."""

_SENTENCES: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full"),
    (apsw.ReadOnlyError, "its file or file system is read-only"),
    (apsw.CantOpenError, "its file cannot be opened"),
    (apsw.CorruptError, "its file is damaged: restore a backup"),
    (apsw.NotADBError, "its file is not a database"),
    (apsw.PermissionsError, "its file may not be used"),
    (apsw.TooBigError, "a value is too large"),
    (apsw.NoMemError, "the machine has no memory left"),
)

_FULL = (errno.ENOSPC, errno.EDQUOT)


def translated(fault: Exception) -> StoreError:
    """Return the store's error for one of `FAULTS`, with the reason in words."""
    if isinstance(fault, apsw.BusyError | apsw.LockedError):
        return StoreBusy("Another program holds the store's lock.")
    return StoreUnavailable(f"The store is not available: {_reason(fault)}.")


def unconfirmed(fault: Exception) -> StoreUnavailable:
    """Return the store's error for a fault of the sync that follows a commit."""
    return StoreUnavailable(f"The disk did not confirm the change, which may have been made: {_reason(fault)}.")


def _reason(fault: Exception) -> str:
    if isinstance(fault, OSError) and fault.errno is not None:
        if fault.errno in _FULL:
            return "the disk is full"
        return f"{os.strerror(fault.errno)} ({errno.errorcode.get(fault.errno, fault.errno)})"
    for kind, sentence in _SENTENCES:
        if isinstance(fault, kind):
            return sentence
    if isinstance(fault, apsw.IOError):
        code = apsw.mapping_extended_result_codes.get(getattr(fault, "extendedresult", -1), "of no known kind")
        return f"an input/output error ({code})"
    return f"{fault} ({type(fault).__name__})"
