"""Condition operators. One line of a Condition is compiled into one test of a request's context.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator as compare
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rolecall.policy.document import Condition
from rolecall.policy.match import arn_pattern, text_test
from rolecall.policy.moment import seconds_of
from rolecall.policy.request import Context, ContextValue
from rolecall.policy.template import expand, has_variable, tokens_of

ValueTest = Callable[[str, Context], bool]
"""Whether one value of the request is matched by any value of the policy."""
ContextCheck = Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator without its affixes: how its policy values become a test, and whether it is negated."""

    name: str
    build: Callable[[Sequence[str], bool], ValueTest]
    negated: bool = False

    @property
    def takes_variables(self) -> bool:
        """Whether `${...}` in its values stands for something."""
        return self.name.startswith(("String", "Arn", "Bool"))


@dataclass(frozen=True, slots=True)
class Spelled:
    """An operator as a policy spells it: `[ForAllValues:|ForAnyValue:]Name[IfExists]`."""

    operator: Operator
    quantifier: str = ""
    if_exists: bool = False


# What each operator compares ------------------------------------------------------------------------------------------


def _equal(values: Sequence[str], variables: bool) -> ValueTest:
    return _text(values, variables, lambda text: text)


def _equal_ignoring_case(values: Sequence[str], variables: bool) -> ValueTest:
    return _text(values, variables, str.lower)


def _text(values: Sequence[str], variables: bool, fold: Callable[[str], str]) -> ValueTest:
    cut = [tokens_of(value, wildcards=False, variables=variables) for value in values]
    fixed = frozenset(fold(expand(tokens, {}) or "") for tokens in cut if not has_variable(tokens))
    open_ = [tokens for tokens in cut if has_variable(tokens)]

    def test(value: str, context: Context) -> bool:
        folded = fold(value)
        if folded in fixed:
            return True
        for tokens in open_:
            text = expand(tokens, context)
            if text is not None and fold(text) == folded:
                return True
        return False

    return test


def _like(values: Sequence[str], variables: bool) -> ValueTest:
    return _any_of([text_test(tokens_of(value, wildcards=True, variables=variables)) for value in values])


def _arn(values: Sequence[str], variables: bool) -> ValueTest:
    return _any_of([arn_pattern(value, variables=variables) for value in values])


def _any_of(tests: Sequence[ValueTest]) -> ValueTest:
    if len(tests) == 1:
        return tests[0]
    return lambda value, context: any(test(value, context) for test in tests)


def _boolean(values: Sequence[str], variables: bool) -> ValueTest:
    test = _text(values, variables, str.lower)
    return lambda value, context: value.lower() in {"true", "false"} and test(value, context)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)


def number_of(text: str) -> Decimal | None:
    """Return the integer or decimal that `text` spells, exactly, or None."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _ordered(
    read: Callable[[str], Decimal | None], holds: Callable[[Decimal, Decimal], bool]
) -> Callable[[Sequence[str], bool], ValueTest]:
    def build(values: Sequence[str], _variables: bool) -> ValueTest:
        bounds = [bound for value in values if (bound := read(value)) is not None]

        def test(value: str, _context: Context) -> bool:
            found = read(value)
            return found is not None and any(holds(found, bound) for bound in bounds)

        return test

    return build


def _binary(values: Sequence[str], _variables: bool) -> ValueTest:
    wanted = frozenset(data for value in values if (data := bytes_of(value)) is not None)
    return lambda value, _context: bytes_of(value) in wanted


def bytes_of(text: str) -> bytes | None:
    """Return the bytes that `text` spells in base64, or None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Network:
    """A range of addresses, or one address, as version, first bits and their count."""

    version: int
    bits: int
    host: int


_PREFIX = re.compile(r"[0-9]{1,3}", re.ASCII)


@lru_cache(maxsize=1024)
def network_of(text: str) -> Network | None:
    """Return the range that an address or a CIDR block names, or None. Bits beyond the prefix do not count."""
    name, slash, length = text.partition("/")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if "%" in name or (slash and not _PREFIX.fullmatch(length)):
        return None
    prefix = int(length) if slash else address.max_prefixlen
    if prefix > address.max_prefixlen:
        return None
    host = address.max_prefixlen - prefix
    return Network(address.version, int(address) >> host, host)


def _address(values: Sequence[str], _variables: bool) -> ValueTest:
    ranges = [found for value in values if (found := network_of(value)) is not None]

    def test(value: str, _context: Context) -> bool:
        address = network_of(value)
        if address is None or address.host:
            return False
        return any(each.version == address.version and address.bits >> each.host == each.bits for each in ranges)

    return test


def _null(_values: Sequence[str], _variables: bool) -> ValueTest:
    raise AssertionError("Null looks at no value")


_NULL = Operator("Null", _null)


def _table() -> dict[str, Operator]:
    orders = {
        "LessThan": compare.lt,
        "LessThanEquals": compare.le,
        "GreaterThan": compare.gt,
        "GreaterThanEquals": compare.ge,
    }
    rows = [
        Operator("StringEquals", _equal),
        Operator("StringNotEquals", _equal, negated=True),
        Operator("StringEqualsIgnoreCase", _equal_ignoring_case),
        Operator("StringNotEqualsIgnoreCase", _equal_ignoring_case, negated=True),
        Operator("StringLike", _like),
        Operator("StringNotLike", _like, negated=True),
        Operator("Bool", _boolean),
        Operator("BinaryEquals", _binary),
        Operator("IpAddress", _address),
        Operator("NotIpAddress", _address, negated=True),
        Operator("ArnEquals", _arn),
        Operator("ArnLike", _arn),
        Operator("ArnNotEquals", _arn, negated=True),
        Operator("ArnNotLike", _arn, negated=True),
        _NULL,
    ]
    for kind, read in (("Numeric", number_of), ("Date", seconds_of)):
        same = _ordered(read, compare.eq)
        rows += [Operator(f"{kind}Equals", same), Operator(f"{kind}NotEquals", same, negated=True)]
        rows += [Operator(kind + name, _ordered(read, holds)) for name, holds in orders.items()]
    return {row.name.lower(): row for row in rows}


_OPERATORS = _table()
_QUANTIFIERS = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}


def spelled(text: str) -> Spelled | None:
    """Return the operator that `text` spells, in whatever case, or None where there is none of that name.

    `Null` takes neither IfExists nor a set operator.
    """
    head, colon, name = text.lower().rpartition(":")
    quantifier = _QUANTIFIERS.get(head, "")
    if colon and not quantifier:
        return None
    if_exists = name.endswith("ifexists")
    operator = _OPERATORS.get(name.removesuffix("ifexists"))
    if operator is None or (operator is _NULL and (quantifier or if_exists)):
        return None
    return Spelled(operator, quantifier, if_exists)


def is_operator(text: str) -> bool:
    """Tell whether `text` spells a condition operator."""
    return spelled(text) is not None


# How it is evaluated --------------------------------------------------------------------------------------------------


def compile_condition(condition: Condition, *, variables: bool) -> ContextCheck:
    """Return the test that one line of a Condition makes of a context."""
    found = spelled(condition.operator)
    if found is None:
        raise ValueError(f"`{condition.operator}` is not a condition operator")
    key = condition.key.lower()
    if found.operator is _NULL:
        return _absence(key, condition.values)
    matched = found.operator.build(condition.values, variables)
    if found.quantifier == "ForAllValues":
        return _for_all(key, matched, found.operator.negated)
    if found.quantifier == "ForAnyValue":
        return _for_any(key, matched, found.operator.negated)
    return _single(key, matched, found.operator.negated, absent=found.if_exists or found.operator.negated)


def values_of(context: Context, key: str) -> tuple[str, ...] | None:
    """Return the values a request has for a key, None where it is absent. A list without values is absent too."""
    value = context.get(key)
    if value is None or isinstance(value, str):
        return None if value is None else (value,)
    return value or None


def _absence(key: str, values: Sequence[str]) -> ContextCheck:
    wanted = {value.lower() for value in values}
    if_absent, if_present = "true" in wanted, "false" in wanted
    return lambda context: if_present if context.get(key, ()) != () else if_absent


def _single(key: str, matched: ValueTest, negated: bool, *, absent: bool) -> ContextCheck:
    """Hold one value against the policy's. Several values without a set operator satisfy nothing."""

    def check(context: Context) -> bool:
        value: ContextValue | None = context.get(key)
        if value is None:
            return absent
        if not isinstance(value, str):
            if len(value) != 1:
                return not value and absent
            value = value[0]
        return matched(value, context) is not negated

    return check


def _for_all(key: str, matched: ValueTest, negated: bool) -> ContextCheck:
    """Every value of the request; true where there is none. Empty texts alone count as none."""

    def check(context: Context) -> bool:
        values = values_of(context, key)
        if values is None or not any(values):
            return True
        return all(matched(value, context) is not negated for value in values)

    return check


def _for_any(key: str, matched: ValueTest, negated: bool) -> ContextCheck:
    """At least one value of the request; false where there is none, negated or not, with IfExists or without."""

    def check(context: Context) -> bool:
        values = values_of(context, key)
        return values is not None and any(values) and any(matched(value, context) is not negated for value in values)

    return check
