"""AWS's service models as pinned data: the records a model file holds, and the overlay's corrections.

The files are botocore's, without documentation (`tools/import_models.py` writes them); `overlay.json` says what we add
or change and why. Reading them is the only reading this room does, and it reads nothing but its own package.
"""

from __future__ import annotations

from importlib import resources

import msgspec


class XmlNamespace(msgspec.Struct, frozen=True):
    """The namespace of an element, and the prefix it is bound to where it has one."""

    uri: str
    prefix: str = ""


class Reference(msgspec.Struct, frozen=True, rename="camel"):
    """A use of a shape: by a member, a list, a map or an operation, with the traits that belong to the use."""

    shape: str
    location: str = ""
    location_name: str = ""
    query_name: str = ""
    result_wrapper: str = ""
    timestamp_format: str = ""
    xml_namespace: XmlNamespace | None = None
    xml_attribute: bool = False
    flattened: bool = False
    streaming: bool = False
    event_payload: bool = msgspec.field(default=False, name="eventpayload")
    idempotency_token: bool = False
    host_label: bool = False
    json_value: bool = msgspec.field(default=False, name="jsonvalue")


class ErrorRecord(msgspec.Struct, frozen=True, rename="camel"):
    """How an exception shape is spelled on the wire."""

    code: str = ""
    http_status_code: int = 400
    sender_fault: bool = False


class ShapeRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A shape as the model spells it."""

    type: str
    members: dict[str, Reference] = {}
    required: tuple[str, ...] = ()
    member: Reference | None = None
    key: Reference | None = None
    value: Reference | None = None
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()
    payload: str = ""
    flattened: bool = False
    streaming: bool = False
    sensitive: bool = False
    union: bool = False
    event_stream: bool = msgspec.field(default=False, name="eventstream")
    location_name: str = ""
    timestamp_format: str = ""
    xml_namespace: XmlNamespace | None = None
    exception: bool = False
    error: ErrorRecord | None = None
    refusal: str = ""
    """The service's own sentence for a value that the pattern does not match (an overlay's word)."""


class HttpRecord(msgspec.Struct, frozen=True, rename="camel"):
    """The HTTP binding of an operation."""

    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class ChecksumRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What an operation says about request and response checksums."""

    request_checksum_required: bool = False
    request_algorithm_member: str = ""
    request_validation_mode_member: str = ""
    response_algorithms: tuple[str, ...] = ()


class OperationRecord(msgspec.Struct, frozen=True, rename="camel"):
    """An operation as the model spells it."""

    name: str
    http: HttpRecord = HttpRecord()
    input: Reference | None = None
    output: Reference | None = None
    errors: tuple[Reference, ...] = ()
    authtype: str = ""
    idempotent: bool = False
    http_checksum: ChecksumRecord | None = None
    unwrapped: bool = False
    """Whether the answer's one member is the root element's own text (an overlay's word)."""


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What a model says about its service."""

    api_version: str
    protocol: str
    endpoint_prefix: str = ""
    service_id: str = ""
    json_version: str = ""
    target_prefix: str = ""
    xml_namespace: str | XmlNamespace = ""


class ModelRecord(msgspec.Struct, frozen=True):
    """A whole service model."""

    metadata: Metadata
    operations: dict[str, OperationRecord]
    shapes: dict[str, ShapeRecord]


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One correction: sets the entry at `path` to `value` (null removes it), for the `reason` given."""

    service: str
    path: tuple[str, ...]
    value: object
    reason: str


_FOLDER = resources.files("rolecall.wire") / "models"


def pinned_services() -> tuple[str, ...]:
    """Return the names of the services whose models are pinned, as credential scopes spell them."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(
        sorted(name.removesuffix(".json") for name in names if name.endswith(".json") and name != "overlay.json")
    )


def corrections() -> tuple[Correction, ...]:
    """Return every correction of the overlay, in its order."""
    return tuple(msgspec.json.decode((_FOLDER / "overlay.json").read_bytes(), type=list[Correction]))


def load(name: str) -> ModelRecord:
    """Return the model of the service `name` with the overlay applied. Raises KeyError where there is none."""
    if name not in pinned_services():
        raise KeyError(name)
    document = msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes())
    for correction in corrections():
        if correction.service == name:
            _apply(document, correction)
    return msgspec.convert(document, ModelRecord)


def _apply(document: dict[str, object], correction: Correction) -> None:
    """Change `document` in place."""
    entry: object = document
    for step in correction.path[:-1]:
        entry = entry[step] if isinstance(entry, dict) else None
    if not isinstance(entry, dict):
        raise TypeError(f"the overlay corrects {'/'.join(correction.path)}, which {correction.service} has not")
    if correction.value is None:
        del entry[correction.path[-1]]
    else:
        entry[correction.path[-1]] = correction.value
