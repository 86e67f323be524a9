"""Access Analyzer: policies held against AWS's rules, and against each other."""

from __future__ import annotations

from rolecall.services.accessanalyzer.table import declare_unbuilt, operations

__all__ = ["operations"]

declare_unbuilt(frozenset())
