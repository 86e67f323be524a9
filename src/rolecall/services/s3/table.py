"""The table of S3's operations, filled by the modules that hold them."""

from __future__ import annotations

from rolecall.services.operation import Operations

operations = Operations("s3")
