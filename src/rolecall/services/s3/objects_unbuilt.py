"""S3's other operations that are not built: authenticated, authorized on what they name, and then refused with 501."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.access.check import Ask, Check
from rolecall.services.operation import NoParameters
from rolecall.services.s3.access import OfBucket, OfObject, OfVersion, access, on_bucket, on_object, on_version
from rolecall.services.s3.table import operations

operations.unbuilt("GetObjectLegalHold", OfVersion, on_object("GetObjectLegalHold"))
operations.unbuilt("PutObjectLegalHold", OfVersion, on_object("PutObjectLegalHold"))
operations.unbuilt("GetObjectRetention", OfVersion, on_object("GetObjectRetention"))
operations.unbuilt("PutObjectRetention", OfVersion, on_object("PutObjectRetention"))
operations.unbuilt("GetObjectTorrent", OfObject, on_object("GetObjectTorrent"))
operations.unbuilt("RestoreObject", OfVersion, on_object("RestoreObject"))
operations.unbuilt("SelectObjectContent", OfObject, on_object("GetObject"))
operations.unbuilt("UpdateObjectEncryption", OfVersion, on_object("UpdateObjectEncryption"))
operations.unbuilt("RenameObject", OfObject, on_object("PutObject", "DeleteObject"))
operations.unbuilt("CreateSession", OfBucket, on_bucket("CreateSession"))
for _verb in ("Get", "Put", "Delete"):
    operations.unbuilt(
        f"{_verb}ObjectAnnotation",
        OfVersion,
        on_version((f"{_verb}ObjectAnnotation", f"{_verb}ObjectVersionAnnotation")),
    )
operations.unbuilt(
    "ListObjectAnnotations", OfVersion, on_version(("ListObjectAnnotations", "ListObjectVersionAnnotations"))
)


def _list_directory_buckets(ask: Ask[NoParameters]) -> Sequence[Check]:
    del ask
    return [Check("s3express:ListAllMyDirectoryBuckets", "arn:aws:s3express:::*")]


def _write_response(ask: Ask[NoParameters]) -> Sequence[Check]:
    del ask
    return [Check("s3-object-lambda:WriteGetObjectResponse", "*")]


operations.unbuilt("ListDirectoryBuckets", NoParameters, access(_list_directory_buckets))
operations.unbuilt("WriteGetObjectResponse", NoParameters, access(_write_response))
