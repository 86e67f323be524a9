"""Organizations: no account is in one yet, and clients that ask before they go on hear so, as on AWS."""

from __future__ import annotations

from rolecall.services.organizations.table import operations

__all__ = ["operations"]
