"""Policy text to `Document`. Strict, and closed to doubt: what cannot be read with certainty is refused, never skipped.

A skipped statement could be a Deny. So a document that was stored and cannot be read makes its request fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from rolecall.policy.condition import is_operator
from rolecall.policy.document import (
    PRINCIPAL_TYPES,
    VERSIONS,
    Condition,
    Document,
    Effect,
    PrincipalElement,
    PrincipalValue,
    Statement,
)

MAX_BYTES = 262_144
"""Twice what AWS lets anybody send: the largest of its own managed policies has 152,297."""
DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""What may be one half of a character that is written in two; a half alone is in no text that can be kept or told."""


class PolicyUnreadable(Exception):
    """The text is not a policy document. The message says what is wrong and where."""


class Number(str):
    """A JSON number, kept as it was written: policies compare numbers as text or as decimals, never as floats."""

    __slots__ = ()


def parse(text: str) -> Document:
    """Return the document that `text` spells, of whichever kind.

    Raises:
        PolicyUnreadable: for anything that is not certainly a policy document.
    """
    return read_document(read_json(text), text)


def read_document(content: object, text: str = "") -> Document:
    """Return the document that a JSON value spells. Numbers in it are such as `read_json` gives.

    Raises:
        PolicyUnreadable: for anything that is not certainly a policy document.
    """
    if not isinstance(content, dict):
        raise PolicyUnreadable("a policy document is a JSON object")
    _only(content, DOCUMENT_ELEMENTS, "the document")
    version = content.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise PolicyUnreadable(f"`{version}` is not a version of the policy language")
    statements = content.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyUnreadable("Statement is missing or empty")
    return Document(
        version=str(version),
        id=_optional_text(content, "Id", "the document"),
        statements=tuple(_statement(value, position) for position, value in enumerate(statements)),
        text=text,
    )


def read_json(text: str, *, most: int = MAX_BYTES) -> object:
    """Return the JSON value that `text` spells; numbers come as `Number`.

    Raises:
        PolicyUnreadable: for what is not JSON, for a key that an object repeats, for half a character, for text beyond
            `most` bytes.
    """
    if len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most:
        raise PolicyUnreadable(f"the document is larger than {most} bytes")
    try:
        value: object = _DECODER.decode(text)
    except (ValueError, RecursionError) as problem:
        raise PolicyUnreadable(f"not JSON: {problem}") from None
    if _HALF_CHARACTER.search(text):
        _refuse_half_characters(value)
    return value


def _refuse_half_characters(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise PolicyUnreadable("text with half a character") from None


def _refuse_constant(name: str) -> NoReturn:
    raise PolicyUnreadable(f"not JSON: `{name}`")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PolicyUnreadable("an object repeats a key")
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)


def _statement(value: object, position: int) -> Statement:
    where = f"statement {position}"
    if not isinstance(value, dict):
        raise PolicyUnreadable(f"{where} is not an object")
    _only(value, STATEMENT_ELEMENTS, where)
    effect = value.get("Effect")
    if not isinstance(effect, str) or effect not in {"Allow", "Deny"}:
        raise PolicyUnreadable(f"{where}: Effect is `{effect}`, not Allow or Deny")
    actions, not_actions = _choice(value, "Action", "NotAction", where)
    if actions is None:
        raise PolicyUnreadable(f"{where} has no Action")
    resources, not_resources = _choice(value, "Resource", "NotResource", where)
    return Statement(
        effect=Effect(effect),
        sid=_optional_text(value, "Sid", where),
        principal=_principal(value, position, where),
        actions=actions,
        not_actions=not_actions,
        resources=resources,
        not_resources=not_resources,
        conditions=_conditions(value.get("Condition", {}), where),
    )


def _only(found: Mapping[str, object], known: frozenset[str], where: str) -> None:
    for name in found:
        if name not in known:
            raise PolicyUnreadable(f"{where} has an unknown element `{name}`")


def _optional_text(found: Mapping[str, object], name: str, where: str) -> str:
    value = found.get(name, "")
    if not is_text(value):
        raise PolicyUnreadable(f"{where}: {name} is not text")
    return str(value)


def is_text(value: object) -> bool:
    """Tell whether a JSON value is a string (a `Number` is not)."""
    return isinstance(value, str) and not isinstance(value, Number)


def _choice(found: Mapping[str, object], name: str, negated: str, where: str) -> tuple[tuple[str, ...] | None, bool]:
    """Return the texts of one of two elements that exclude each other, and whether it is the negated one."""
    if name in found and negated in found:
        raise PolicyUnreadable(f"{where} has both {name} and {negated}")
    present = negated if negated in found else name
    if present not in found:
        return None, False
    value = found[present]
    values: Sequence[object] = value if isinstance(value, list) else [value]
    # A null in a list of resources is taken and means nothing, as on AWS.
    texts = [item for item in values if not (item is None and name == "Resource" and isinstance(value, list))]
    if not texts or not all(is_text(item) for item in texts):
        raise PolicyUnreadable(f"{where}: {present} is neither a text nor a list of texts")
    return tuple(str(item) for item in texts), present == negated


def _principal(found: Mapping[str, object], position: int, where: str) -> PrincipalElement | None:
    if "Principal" in found and "NotPrincipal" in found:
        raise PolicyUnreadable(f"{where} has both Principal and NotPrincipal")
    negated = "NotPrincipal" in found
    if not negated and "Principal" not in found:
        return None
    value = found["NotPrincipal" if negated else "Principal"]
    if value == "*":
        return PrincipalElement((PrincipalValue("AWS", "*", position),), negated, plain=True)
    if not isinstance(value, dict) or not value:
        raise PolicyUnreadable(f'{where}: a principal is "*" or an object that is not empty')
    values: list[PrincipalValue] = []
    for kind, names in value.items():
        if kind not in PRINCIPAL_TYPES:
            raise PolicyUnreadable(f"{where}: `{kind}` is not a type of principal")
        listed = names if isinstance(names, list) else [names]
        if not listed or not all(is_text(name) and name for name in listed):
            raise PolicyUnreadable(f"{where}: the {kind} principal is neither a text nor a list of texts")
        values.extend(PrincipalValue(kind, str(name), position) for name in listed)
    return PrincipalElement(tuple(values), negated)


def _conditions(value: object, where: str) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        raise PolicyUnreadable(f"{where}: Condition is not an object")
    found: list[Condition] = []
    for operator, body in value.items():
        if not isinstance(body, dict):
            raise PolicyUnreadable(f"{where}: the condition `{operator}` is not an object")
        if body and not is_operator(operator):
            raise PolicyUnreadable(f"{where}: `{operator}` is not a condition operator")
        found.extend(Condition(operator, key, _values(values, where, key)) for key, values in body.items())
    return tuple(found)


def _values(value: object, where: str, key: str) -> tuple[str, ...]:
    return tuple(_value(item, where, key) for item in (value if isinstance(value, list) else [value]))


def _value(value: object, where: str, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    raise PolicyUnreadable(f"{where}: a value of `{key}` is neither text, boolean nor number")
