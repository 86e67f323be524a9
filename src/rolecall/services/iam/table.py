"""The table that IAM's operations are collected in."""

from __future__ import annotations

from rolecall.services.operation import Operations

operations = Operations("iam")
