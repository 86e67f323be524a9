"""PostObject: a browser's form becomes an object.

The form's policy and signature were checked before; the bucket is the path's, whatever fields say.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from rolecall.access.allowed import Allowed
from rolecall.access.check import Ask, Check
from rolecall.buckets.versions import ObjectVersion
from rolecall.message import ServiceError
from rolecall.services.operation import Result, Streams
from rolecall.services.s3.access import access
from rolecall.services.s3.arrival import answer, arriving, keep
from rolecall.services.s3.checksums import wanted, with_checksums
from rolecall.services.s3.finding import same_bucket, the_bucket
from rolecall.services.s3.making import Making, header_text, made, making_checks
from rolecall.services.s3.reading import address_of
from rolecall.services.s3.refusals import invalid_argument, malformed_xml
from rolecall.services.s3.table import operations
from rolecall.services.s3.tags import OBJECT_TAGS, TagSet, tags_of
from rolecall.store.interface import Transaction
from rolecall.wire.checksums import content_md5
from rolecall.wire.model import service
from rolecall.wire.xml_input import MalformedXml, parse_document, read_structure


@with_checksums
class PostObject(Making, frozen=True, kw_only=True):
    """Of PostObject."""

    key: str = ""
    content_md5: str | None = None
    checksum_algorithm: str | None = None
    success_action_redirect: str | None = None
    redirect: str | None = None
    success_action_status: str | None = None


def _checks(ask: Ask[PostObject]) -> Sequence[Check]:
    tags: dict[str, str] = {}
    with suppress(ServiceError):  # the handler refuses bad tags in S3's words
        tags = _tags(ask.parameters)
    return making_checks(ask, tags)


@operations.stream("PostObject", PostObject, access(_checks))
async def post_object(allowed: Allowed, parameters: PostObject, streams: Streams) -> Result:
    """Keep the form's file."""
    if not parameters.key:
        message = (
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        )
        raise invalid_argument(message, "key", "")
    asked = wanted(parameters, parameters.checksum_algorithm, allowed.request)
    md5 = content_md5(parameters.content_md5)
    with streams.store.view() as view:
        home = the_bucket(view, parameters.bucket)
        what = made(allowed, msgspec.structs.replace(parameters, tagging=None), home)
        what = msgspec.structs.replace(what, tags=_tags(parameters))
    async with arriving(streams, asked, md5) as arrived:

        def work(transaction: Transaction) -> ObjectVersion:
            return keep(transaction, allowed, same_bucket(transaction, home), parameters.key, what, arrived)

        added = await streams.store.write(work, brief=True)
    return {**answer(home, added), **_ending(allowed, parameters, added)}


def _tags(parameters: PostObject) -> dict[str, str]:
    """Return the tags of the `tagging` field, which is a document."""
    if parameters.tagging is None:
        return {}
    try:
        sent = read_structure(service("s3").shape("Tagging"), parse_document(parameters.tagging.encode()))
        return tags_of(msgspec.convert(sent, TagSet).tag_set, OBJECT_TAGS)
    except (MalformedXml, msgspec.ValidationError, UnicodeEncodeError):
        raise malformed_xml() from None


def _ending(allowed: Allowed, parameters: PostObject, added: ObjectVersion) -> dict[str, object]:
    """Return how the answer ends: where the browser is sent, or the status that the form asks for."""
    location = address_of(allowed.request, parameters.bucket, added.key)
    target = _target(parameters, added)
    if target is not None:
        return {"status_code": 303, "location": target}
    if parameters.success_action_status == "201":
        document = {"location": location, "bucket": parameters.bucket, "key": added.key, "e_tag": f'"{added.etag}"'}
        return {"status_code": 201, "location": location, "post_response": document}
    return {"status_code": 200 if parameters.success_action_status == "200" else 204, "location": location}


def _target(parameters: PostObject, added: ObjectVersion) -> str | None:
    """Return where the browser is sent: what cannot be read as an address is no address, as on AWS."""
    wanted_target = parameters.success_action_redirect or parameters.redirect
    if not wanted_target:
        return None
    try:
        parts = urlsplit(header_text(wanted_target, "success_action_redirect"))
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    told = {"bucket": parameters.bucket, "key": added.key, "etag": f'"{added.etag}"'}
    query = "&".join(part for part in (parts.query, urlencode(told)) if part)
    return urlunsplit(parts._replace(query=query))
