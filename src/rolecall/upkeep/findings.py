"""What can be wrong with a data folder: each kind of trouble with what it means and what to do about it."""

from __future__ import annotations

from enum import Enum

import msgspec


class Severity(Enum):
    """How much a finding matters."""

    ERROR = "error"
    """Something is lost, refused or unsafe."""
    WARNING = "warning"
    """Nothing is lost; something should be put right."""
    NOTE = "note"
    """Good to know; the folder is sound."""


class Trouble(msgspec.Struct, frozen=True):
    """One kind of trouble."""

    name: str
    severity: Severity
    means: str
    remedy: str


class Finding(msgspec.Struct, frozen=True):
    """One trouble that was found."""

    trouble: Trouble
    subject: str
    """What it was found at."""


_RESTORE = "Restore a backup made before, or mend it through the API."
_ERROR, _WARNING, _NOTE = Severity

STORE_DAMAGED = Trouble(
    "store-damaged",
    _ERROR,
    "The database file itself is damaged; what lies in the damaged pages is lost or wrong.",
    "Stop the server, keep the folder as it is, and restore the newest backup that `rolecall restore --check` passes.",
)
STORE_REFUSED = Trouble(
    "store-refused", _ERROR, "The database cannot be opened; nothing can be served.", "Do what the sentence says."
)
KEYRING = Trouble(
    "keyring",
    _ERROR,
    "No secret can be opened with this key file: every signature and every session is refused.",
    "Put the keyring file back that was made with this folder.",
)
PERMISSIONS = Trouble(
    "permissions", _ERROR, "Other users of this machine can read secrets or content.", "Run the chmod that is named."
)
UNREADABLE = Trouble(
    "record-unreadable", _ERROR, "A record cannot be decoded; requests that need it are refused with 503.", _RESTORE
)
UNKNOWN = Trouble(
    "record-unknown",
    _NOTE,
    "A record of a kind that doctor does not examine.",
    "Nothing; if an older program is in use, use the one that wrote it.",
)
MISPLACED = Trouble(
    "record-misplaced", _ERROR, "A record says of itself that it is another one than its key says.", _RESTORE
)
DANGLING = Trouble(
    "index-dangling",
    _WARNING,
    "An index or a link leads to what does not exist; it grants nothing, but counts and listings are off.",
    "Harmless where the thing was deleted; report it, for no operation should leave one behind.",
)
UNINDEXED = Trouble(
    "index-missing", _ERROR, "Something exists that cannot be found by its name or from its other end.", _RESTORE
)
COUNT = Trouble(
    "count-wrong", _WARNING, "A count that quotas are held against is wrong.", "Report it; quotas may refuse too early."
)
POLICY_MISSING = Trouble(
    "policy-missing",
    _ERROR,
    "A policy that is attached, or is a boundary, does not exist: its owner's requests are refused.",
    "Detach it (DetachUserPolicy, DetachRolePolicy ...), or make the policy again.",
)
POLICY_UNREADABLE = Trouble(
    "policy-unreadable",
    _ERROR,
    "A stored policy cannot be read, so requests that it bears on are refused.",
    "Write the policy again (PutUserPolicy, UpdateAssumeRolePolicy, PutBucketPolicy ...).",
)
SEALED = Trouble(
    "secret-sealed",
    _ERROR,
    "A secret does not open: it was changed, moved, or sealed under a key that is gone. It proves nothing any more.",
    "Put the right keyring back, or make the access key, device or password anew.",
)
SESSION_KEYS = Trouble(
    "session-keys",
    _ERROR,
    "The ring of session keys is not whole: temporary credentials cannot be issued or checked.",
    "rolecall keys rotate-sessions --end-all --data DIR",
)
SECRET_MISSING = Trouble(
    "secret-missing", _ERROR, "A key or device has no secret: it verifies nothing.", "Delete it and make a new one."
)
HOMELESS = Trouble(
    "bucket-missing", _WARNING, "A record belongs to a bucket that does not exist; it is never shown.", "Report it."
)
ORDER = Trouble(
    "version-order",
    _ERROR,
    "An object's versions do not lie in order, or the current one is not the newest.",
    _RESTORE,
)
SIZES = Trouble(
    "object-size", _ERROR, "An object's parts do not add up to its size; it cannot be read whole.", _RESTORE
)
BYTES_MISSING = Trouble(
    "bytes-missing",
    _ERROR,
    "The bytes of an object are gone. A GET is answered 503; nothing wrong is ever sent.",
    "Restore a backup, upload the object again, or delete it.",
)
BYTES_CUT = Trouble(
    "bytes-cut",
    _ERROR,
    "The bytes of an object are fewer or more than recorded. A GET is answered 503.",
    "Restore a backup, upload the object again, or delete it.",
)
BYTES_CHANGED = Trouble(
    "bytes-changed",
    _ERROR,
    "The bytes of an object are not those that were uploaded: their MD5 is not the ETag.",
    "Look at the disk. Restore a backup, or upload the object again.",
)
BYTES_DOOMED = Trouble(
    "bytes-doomed",
    _ERROR,
    "An object's file is listed for removal, or belongs to two objects: it would be lost with the next sweep.",
    "Stop the server, make a backup, and report it.",
)
ORPHAN = Trouble(
    "orphan",
    _WARNING,
    "A file or entry older than a day that no record names: a crash left it. It is never served, and takes room.",
    "rolecall doctor --repair removes it.",
)
YOUNG_ORPHAN = Trouble(
    "orphan-young",
    _NOTE,
    "A file that no record names yet: on its way, or left by a crash.",
    "Nothing; the server removes left-overs by itself.",
)
STRANGER = Trouble(
    "stranger", _WARNING, "A file among the objects that this program did not make.", "Move it elsewhere."
)
CLOCK = Trouble(
    "clock",
    _WARNING,
    "The folder holds a time that has not come yet: this machine's clock is behind, or was ahead.",
    "Set the clock. Sessions end, and policies with dates hold, by what it says.",
)
