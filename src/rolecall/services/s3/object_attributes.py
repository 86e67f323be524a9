"""GetObjectAttributes: what is known of an object, without its bytes.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""

from __future__ import annotations

from rolecall.access.allowed import Allowed
from rolecall.buckets.versions import ObjectVersion
from rolecall.services.operation import Result
from rolecall.services.s3.access import OfVersion, on_version
from rolecall.services.s3.checksums import COMPOSITE, shown
from rolecall.services.s3.finding import shown_version, the_bucket, the_object
from rolecall.services.s3.listing_keys import page_size, part_marker
from rolecall.services.s3.refusals import invalid_argument, not_implemented
from rolecall.services.s3.table import operations
from rolecall.store.interface import Snapshot
from rolecall.wire.checksums import ALGORITHMS

ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


class GetObjectAttributes(OfVersion, frozen=True, kw_only=True):
    """Of GetObjectAttributes."""

    object_attributes: tuple[str, ...]
    max_parts: int | None = None
    part_number_marker: int | None = None
    sse_customer_algorithm: str | None = None


@operations.read(
    "GetObjectAttributes",
    GetObjectAttributes,
    on_version(("GetObject", "GetObjectVersion"), ("GetObjectAttributes", "GetObjectVersionAttributes")),
)
def get_object_attributes(allowed: Allowed, parameters: GetObjectAttributes, view: Snapshot) -> Result:
    """Return those of the object's attributes that are asked for."""
    if parameters.sse_customer_algorithm is not None:
        raise not_implemented("x-amz-server-side-encryption-customer-algorithm")
    asked = frozenset(name.strip() for names in parameters.object_attributes for name in names.split(","))
    if not asked or asked - ATTRIBUTES:
        message = "Invalid attribute name specified." if asked else "The x-amz-object-attributes header is missing."
        raise invalid_argument(message, "x-amz-object-attributes", ",".join(sorted(asked)))
    home = the_bucket(view, parameters.bucket)
    found = the_object(allowed, view, home, parameters.key, parameters.version_id)
    return {
        "last_modified": found.modified,
        "version_id": shown_version(home, found),
        "e_tag": found.etag if "ETag" in asked else None,
        "checksum": _checksum(found) if "Checksum" in asked else None,
        "object_parts": _parts(found, parameters) if "ObjectParts" in asked and found.parts else None,
        "storage_class": found.storage_class if "StorageClass" in asked else None,
        "object_size": found.size if "ObjectSize" in asked else None,
    }


def _checksum(found: ObjectVersion) -> dict[str, str] | None:
    sums = shown(found.checksum)
    return {name: value.partition("-")[0] if name != "checksum_type" else value for name, value in sums.items()} or None


def _parts(found: ObjectVersion, parameters: GetObjectAttributes) -> dict[str, object]:
    """Return the parts; each by itself only where the checksum is made of theirs, as on AWS."""
    if found.checksum is None or found.checksum.kind != COMPOSITE:
        return {"total_parts_count": len(found.parts)}
    limit = page_size(parameters.max_parts, "max-parts")
    marker = part_marker(parameters.part_number_marker)
    later = [part for part in found.parts if part.number > marker]
    page = later[:limit]
    member = ALGORITHMS[found.checksum.algorithm].member
    return {
        "total_parts_count": len(found.parts),
        "part_number_marker": marker,
        "next_part_number_marker": page[-1].number if page else 0,
        "max_parts": limit,
        "is_truncated": len(later) > len(page),
        "parts": [{"part_number": part.number, "size": part.size, member: part.checksum} for part in page],
    }
