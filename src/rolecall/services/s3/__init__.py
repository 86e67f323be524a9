"""S3: buckets and objects. Importing the modules fills the table; `*_unbuilt` hold what is refused with 501."""

from __future__ import annotations

from rolecall.services.s3 import bucket_cors as bucket_cors
from rolecall.services.s3 import bucket_life as bucket_life
from rolecall.services.s3 import bucket_policy as bucket_policy
from rolecall.services.s3 import bucket_tags as bucket_tags
from rolecall.services.s3 import multipart as multipart
from rolecall.services.s3 import multipart_complete as multipart_complete
from rolecall.services.s3 import multipart_list as multipart_list
from rolecall.services.s3 import object_acl as object_acl
from rolecall.services.s3 import object_attributes as object_attributes
from rolecall.services.s3 import object_copy as object_copy
from rolecall.services.s3 import object_delete as object_delete
from rolecall.services.s3 import object_form as object_form
from rolecall.services.s3 import object_get as object_get
from rolecall.services.s3 import object_list as object_list
from rolecall.services.s3 import object_put as object_put
from rolecall.services.s3 import object_tags as object_tags
from rolecall.services.s3 import objects_unbuilt as objects_unbuilt
from rolecall.services.s3 import ownership as ownership
from rolecall.services.s3 import public_access as public_access
from rolecall.services.s3 import settings_unbuilt as settings_unbuilt
from rolecall.services.s3 import versioning as versioning
from rolecall.services.s3.table import operations

__all__ = ["operations"]
