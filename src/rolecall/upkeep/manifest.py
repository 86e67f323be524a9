"""What a backup says of itself: the manifest, written last, and the list of its blobs with their digests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

FORMAT = 1
BLOBS = "blobs.txt"

_NAME = re.compile(r"[a-z][a-z-]*(?:\.[a-z]+)?", re.ASCII)
"""Of a file in a backup: nothing that leads out of it."""
_LINE = re.compile(r"([0-9a-f]{32}) ([0-9]{1,20}) ([0-9a-f]{64})")


class BackupDamaged(Exception):
    """What should be a backup is none, or is not whole; the text says why."""


class Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size and the digest that a file must have."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in a backup, and of what."""

    format: int = FORMAT
    program: str
    """The version of the program that made it."""
    made: datetime
    """The moment that the store's copy was begun."""
    account: str
    schema: int
    keys: bool
    """Whether the keyring and the credential files are in it."""
    files: dict[str, Sum]
    """Every file but this one and the blobs, by name."""
    blobs: int
    bytes: int
    """The size of all blobs together."""
    damaged: tuple[str, ...] = ()
    """Blobs that records name and that were missing or of another size when the backup was made: not in it."""


def write_manifest(manifest: Manifest) -> bytes:
    """Return the text of the manifest's file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest in its file's text. Raises BackupDamaged."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupDamaged(f"its manifest cannot be read ({error}).") from error
    if manifest.format != FORMAT:
        raise BackupDamaged(f"it was made by a newer version of this program (format {manifest.format}).")
    if strange := [name for name in manifest.files if not _NAME.fullmatch(name)]:
        raise BackupDamaged(f"its manifest names what is no file of a backup: `{strange[0][:100]}`.")
    return manifest


def write_blobs(sums: Mapping[str, Sum]) -> bytes:
    """Return the text of the list of blobs: a line each, id, size and digest."""
    return "".join(f"{blob} {one.size} {one.sha256}\n" for blob, one in sorted(sums.items())).encode("ascii")


def read_blobs(text: bytes) -> dict[str, Sum]:
    """Return the size and digest of every blob in the list. Raises BackupDamaged."""
    sums: dict[str, Sum] = {}
    for line in text.decode("ascii", "replace").splitlines():
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise BackupDamaged(f"its {BLOBS} cannot be read: `{line[:100]}`.")
        sums[parts[1]] = Sum(int(parts[2]), parts[3])
    return sums
