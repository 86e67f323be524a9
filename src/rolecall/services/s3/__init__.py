"""S3: buckets and objects. The modules by noun fill the table; those of a bucket's settings are `settings*`."""

from __future__ import annotations

from rolecall.services.s3.table import operations

__all__ = ["operations"]
