"""S3: buckets and objects. The modules by noun fill the table; those of a bucket's settings are `settings*`."""

from __future__ import annotations

from rolecall.services.s3 import bucket_cors as bucket_cors
from rolecall.services.s3 import bucket_policy as bucket_policy
from rolecall.services.s3 import bucket_tags as bucket_tags
from rolecall.services.s3 import ownership as ownership
from rolecall.services.s3 import public_access as public_access
from rolecall.services.s3 import settings_unbuilt as settings_unbuilt
from rolecall.services.s3 import versioning as versioning
from rolecall.services.s3.table import operations

__all__ = ["operations"]
