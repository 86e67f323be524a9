"""What makes buckets and objects sound: versions in order, and the bytes that they name, each theirs alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rolecall.buckets.bucket import bucket
from rolecall.buckets.cors import cors_rules
from rolecall.buckets.uploads import decode_part, decode_upload
from rolecall.buckets.versions import ObjectVersion, decode_version
from rolecall.directory.accounts import account
from rolecall.store.keys import descending, pack
from rolecall.upkeep import findings
from rolecall.upkeep.look import YOUNG, Check, Look, number_in, shown

_decode_blobs = msgspec.msgpack.Decoder(list[str]).decode


def leftovers(look: Look) -> list[bytes]:
    """Note what the end of the pass shows, and return the keys of small objects' bytes that nothing names."""
    for blob in look.doomed & look.blobs.keys():
        look.find(findings.BYTES_DOOMED, shown(look.blobs[blob][1]))
    for upload_id in look.part_owners - look.uploads:
        look.find(findings.DANGLING, f"parts of the upload {upload_id}")
    edge = int((look.now - YOUNG).timestamp() * 1_000_000)
    orphans: list[bytes] = []
    for source in look.bits:
        if source not in look.inline and int(source[:15], 16) < edge:
            look.find(findings.ORPHAN, f"data/{source}")
            orphans.append(pack("data", source))
    return orphans


def _bucket(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    found = bucket(look.view, parts[0])
    if found is None or found.name != parts[0]:
        look.find(findings.MISPLACED, shown(key))
        return
    look.dated(found.created)
    if account(look.view, found.account) is None:
        look.find(findings.DANGLING, f"bucket {found.name} of account {found.account}")
    if found.policy is not None:
        look.readable(found.policy, f"policy of bucket {found.name}")


def _setting(look: Look, key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    if bucket(look.view, parts[0]) is None:
        look.find(findings.HOMELESS, shown(key))
    elif parts[1] == "cors":
        cors_rules(look.view, parts[0])


def _current(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    found = _version_in(look, key, parts, value)
    newest_older = look.view.scan(pack("version", *parts), limit=1)
    if newest_older and decode_version(newest_older[0].value).sequence >= found.sequence:
        look.find(findings.ORDER, shown(key))
    if found.older_null:
        older = look.view.get(pack("version", *parts, descending(found.older_null)))
        if older is None or not decode_version(older).null:
            look.find(findings.ORDER, f"{shown(key)}: its null version")


def _older(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    found = _version_in(look, key, parts[:2], value)
    if found.sequence != descending(number_in(parts[2])):
        look.find(findings.MISPLACED, shown(key))
    if look.view.get(pack("current", *parts[:2])) is None:
        look.find(findings.ORDER, f"{shown(key)}: older versions without a current one")


def _version_in(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> ObjectVersion:
    found = decode_version(value)
    if found.key != parts[1]:
        look.find(findings.MISPLACED, shown(key))
    if bucket(look.view, parts[0]) is None:
        look.find(findings.HOMELESS, shown(key))
    if sum(segment.length for segment in found.segments) != found.size:
        look.find(findings.SIZES, shown(key))
    if found.parts and sum(part.size for part in found.parts) != found.size:
        look.find(findings.SIZES, shown(key))
    look.dated(found.modified)
    _names(look, key, found)
    return found


def _upload(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    found = decode_upload(value)
    if (found.bucket, found.key, found.upload_id) != parts:
        look.find(findings.MISPLACED, shown(key))
    if bucket(look.view, found.bucket) is None:
        look.find(findings.HOMELESS, shown(key))
    look.uploads.add(found.upload_id)


def _part(look: Look, key: bytes, parts: tuple[str, ...], value: bytes) -> None:
    found = decode_part(value)
    if found.number != number_in(parts[1]):
        look.find(findings.MISPLACED, shown(key))
    if sum(segment.length for segment in found.segments) != found.size:
        look.find(findings.SIZES, shown(key))
    look.part_owners.add(parts[0])
    for segment in found.segments:
        look.holds(segment, key)


def _names(look: Look, key: bytes, found: ObjectVersion) -> None:
    for segment in found.segments:
        look.holds(segment, key)
        if segment.inline:
            content = look.view.get(pack("data", segment.source))
            if content is None:
                look.find(findings.BYTES_MISSING, shown(key))
            elif len(content) != segment.length:
                look.find(findings.BYTES_CUT, shown(key))


def _data(look: Look, _key: bytes, parts: tuple[str, ...], _value: bytes) -> None:
    look.bits.append(parts[0])


def _garbage(look: Look, _key: bytes, _parts: tuple[str, ...], value: bytes) -> None:
    look.doomed.update(_decode_blobs(value))


CHECKS: Mapping[str, Check] = {
    "bucket": _bucket,
    "bucket-setting": _setting,
    "current": _current,
    "version": _older,
    "upload": _upload,
    "part": _part,
    "data": _data,
    "garbage": _garbage,
}
