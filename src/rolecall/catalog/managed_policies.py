"""AWS's own managed policies: names, paths, dates, descriptions and the documents of their default versions.

The index is read at the first question (a few milliseconds, once a process) and a document when it is asked for, by
itself. Both files are written by tools/import_managed_policies.py; `source()` says from what and of which day.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from gzip import decompress
from importlib.resources import files

import msgspec

_PREFIX = "arn:aws:iam::aws:policy"
_DATA = files("rolecall.catalog") / "data"


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """An AWS managed policy as GetPolicy shows it."""

    name: str
    path: str
    """With both slashes: `/`, `/job-function/`, `/service-role/`, `/aws-service-role/` ..."""
    arn: str
    policy_id: str
    """AWS's own id for the best known policies; for the others one of the same form, derived from the ARN."""
    created: datetime
    updated: datetime
    default_version: int
    description: str

    @property
    def is_attachable(self) -> bool:
        """Whether customers may attach it: what belongs to service-linked roles or root tasks they may not."""
        return not self.path.startswith(("/aws-service-role/", "/root-task/"))


class _Row(msgspec.Struct, frozen=True, array_like=True):
    name: str
    path: str
    version: int
    created: datetime
    updated: datetime
    policy_id: str
    description: str
    offset: int
    size: int


class _Index(msgspec.Struct, frozen=True):
    source: str
    date: str
    dictionary: int
    """How many bytes at the start of the documents' file are the dictionary that each is compressed against."""
    policies: list[_Row]


def find(arn: str) -> ManagedPolicy | None:
    """Return the AWS managed policy with this ARN, or None. The path is part of it, as on AWS."""
    if not arn.startswith(_PREFIX):
        return None
    return _policies().get(arn)


@lru_cache(maxsize=256)
def document(arn: str, version: int | None = None) -> str | None:
    """Return the JSON text of a policy's default version, or of `version` where that is the default one; else None.

    Earlier versions of AWS managed policies are not kept.
    """
    row = _rows().get(arn) if arn.startswith(_PREFIX) else None
    if row is None or version not in {None, row.version}:
        return None
    with (_DATA / "managed_policies.bin").open("rb") as stored:
        stored.seek(row.offset)
        packed = stored.read(row.size)
    return zlib.decompressobj(-15, _dictionary()).decompress(packed).decode()


def all_policies() -> list[ManagedPolicy]:
    """Return all AWS managed policies, by name without regard to case."""
    return list(_policies().values())


def source() -> tuple[str, str]:
    """Return the package that the catalogue was taken from and the day (YYYY-MM-DD) of its newest policy."""
    index = _index()
    return index.source, index.date


@lru_cache(maxsize=1)
def _index() -> _Index:
    return msgspec.json.decode(decompress((_DATA / "managed_policies.json.gz").read_bytes()), type=_Index)


@lru_cache(maxsize=1)
def _rows() -> Mapping[str, _Row]:
    return {f"{_PREFIX}{row.path}{row.name}": row for row in _index().policies}


@lru_cache(maxsize=1)
def _policies() -> Mapping[str, ManagedPolicy]:
    return {arn: _policy(arn, row) for arn, row in _rows().items()}


@lru_cache(maxsize=1)
def _dictionary() -> bytes:
    with (_DATA / "managed_policies.bin").open("rb") as stored:
        return stored.read(_index().dictionary)


def _policy(arn: str, row: _Row) -> ManagedPolicy:
    return ManagedPolicy(row.name, row.path, arn, row.policy_id, row.created, row.updated, row.version, row.description)
