"""The kinds of policy that are stored, and the refusal of one."""

from __future__ import annotations

from enum import Enum


class PolicyKind(Enum):
    """What a document is to be stored as."""

    IDENTITY = "identity"
    """An inline policy of a user, group or role; version 2008-10-17 is taken."""
    MANAGED = "managed"
    """A managed policy: as IDENTITY, and its version must be 2012-10-17."""
    TRUST = "trust"
    BUCKET = "bucket"
    SESSION = "session"
    SCP = "scp"
    RCP = "rcp"


class Malformed(Exception):
    """AWS would not store the document. Holds AWS's code and text."""

    def __init__(self, message: str, code: str = "MalformedPolicyDocument") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
