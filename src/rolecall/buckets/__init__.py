"""Buckets, their settings, object versions and multipart uploads: records in the store, no object bytes of size.

`bucket` is the noun, `settings` what is kept beside it, `versions` the objects, `listing` how they are found, `uploads`
the multipart uploads, `garbage` the blobs that nothing refers to any more.
"""

from __future__ import annotations

from rolecall.buckets.bucket import Bucket as Bucket
from rolecall.buckets.bucket import PublicAccessBlock as PublicAccessBlock
from rolecall.buckets.bucket import bucket as bucket
