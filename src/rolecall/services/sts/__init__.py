"""STS: who am I, and temporary credentials.

`assume_role`, `tokens`, `identity` and `decode_message` are the operations, `access` what they need to be allowed;
`session_policies`, `session_tags`, `mfa` and `issuing` are what a new session is made of.
"""

from __future__ import annotations

from rolecall.services.sts import assume_role as assume_role
from rolecall.services.sts import decode_message as decode_message
from rolecall.services.sts import identity as identity
from rolecall.services.sts import tokens as tokens
from rolecall.services.sts import unbuilt as unbuilt
from rolecall.services.sts.table import operations

__all__ = ["operations"]
