"""The table that STS's operations are collected in."""

from __future__ import annotations

from rolecall.services.operation import Operations

operations = Operations("sts")
