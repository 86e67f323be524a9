"""Access Analyzer: policies held against AWS's rules, and against each other.

Importing this package fills the table: each module declares its operations in `table.operations`.
"""

from __future__ import annotations

from rolecall.services.accessanalyzer import custom_checks as custom_checks
from rolecall.services.accessanalyzer import validate_policy as validate_policy
from rolecall.services.accessanalyzer.table import declare_unbuilt, operations

__all__ = ["operations"]

declare_unbuilt()
