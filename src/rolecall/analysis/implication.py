"""Whether one statement's conditions imply another's: for every request that meets these, those hold too.

Compared line by line, key by key; what cannot be shown counts as not implied. Rules of the operators:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from rolecall.analysis.languages import Pattern, glob, literal, resource_pattern, witness
from rolecall.analysis.reach import Symbols
from rolecall.policy.condition import Network, Spelled, network_of, number_of, spelled
from rolecall.policy.document import Condition, Document
from rolecall.policy.moment import seconds_of

_IGNORING_CASE = "IgnoreCase"


def implied(
    wanted: Sequence[Condition], of: Document, given: Sequence[Condition], by: Document, known: Symbols
) -> bool:
    """Tell whether all of `wanted`, in document `of`, hold wherever all of `given`, in `by`, do. Raises Undecided."""
    return all(any(_one(want, of, give, by, known) for give in given) for want in wanted)


def _one(want: Condition, of: Document, give: Condition, by: Document, known: Symbols) -> bool:
    """Tell whether one line implies another one."""
    known.work.spend(1 + (len(want.values) + len(give.values)) // 10)
    if want.key.lower() != give.key.lower():
        return False
    wanted, given = spelled(want.operator), spelled(give.operator)
    if wanted is None or given is None or wanted.quantifier != given.quantifier:
        return False
    if wanted.operator.name == "Null" or given.operator.name == "Null":
        same = {value.lower() for value in want.values} == {value.lower() for value in give.values}
        return wanted.operator is given.operator and same
    if _passes_without(given) and not _passes_without(wanted):
        return False
    if wanted.operator.negated is not given.operator.negated:
        return False
    if wanted.operator.negated:
        return _narrower((want, wanted, of), (give, given, by), known)
    return _narrower((give, given, by), (want, wanted, of), known)


def _passes_without(operator: Spelled) -> bool:
    """Tell whether an operator holds where its key is absent. ForAnyValue never does, IfExists or not."""
    if operator.quantifier:
        return operator.quantifier == "ForAllValues"
    return operator.if_exists or operator.operator.negated


_Side = tuple[Condition, Spelled, Document]


def _narrower(inner: _Side, outer: _Side, known: Symbols) -> bool:
    """Tell whether every value that the one's values match is matched by the other's."""
    (condition, operator, _), (other_condition, other_operator, _) = inner, outer
    family, other = _family(operator), _family(other_operator)
    if family != other or not condition.values:
        return False
    if family in {"String", "Arn"}:
        return _texts_narrower(inner, outer, known)
    if family == "Ip":
        known.work.spend(len(condition.values) * len(other_condition.values) // 10)
    compare = _COMPARED.get(family)
    if compare is not None and operator.operator.name.replace("Not", "") == other_operator.operator.name.replace(
        "Not", ""
    ):
        return compare(condition.values, other_condition.values, operator.operator.name)
    return False


def _family(operator: Spelled) -> str:
    name = operator.operator.name
    starts = ("String", "Arn", "Numeric", "Date", "Bool", "Binary")
    return next((start for start in starts if name.startswith(start)), "Ip")


def _texts_narrower(inner: _Side, outer: _Side, known: Symbols) -> bool:
    folds = outer[1].operator.name.endswith(_IGNORING_CASE)
    if inner[1].operator.name.endswith(_IGNORING_CASE) and not folds:
        return False
    narrow, wide = (_patterns(side, known, fold=folds) for side in (inner, outer))
    if narrow is None or wide is None:
        return False
    return witness([narrow], wide, known.work) is None if narrow else True


def _patterns(side: _Side, known: Symbols, *, fold: bool) -> list[Pattern] | None:
    condition, operator, document = side
    name = operator.operator.name
    found: list[Pattern] = []
    for value in condition.values:
        text = known.pattern(value, document)
        if text is None:
            return None
        text = text.lower() if fold else text
        if name.startswith("Arn"):
            if text.count(":") < 5:
                return None
            found.append(resource_pattern(text))
        else:
            found.append(glob(text) if name.endswith("Like") else literal(text))
    return found


def _same_or_fewer(inner: Sequence[str], outer: Sequence[str], _name: str) -> bool:
    return {value.lower() for value in inner} <= {value.lower() for value in outer}


def _fewer(inner: Sequence[str], outer: Sequence[str], _name: str) -> bool:
    return set(inner) <= set(outer)


def _ordered(read: Callable[[str], Decimal | None]) -> Callable[[Sequence[str], Sequence[str], str], bool]:
    def compare(inner: Sequence[str], outer: Sequence[str], name: str) -> bool:
        some, others = [read(value) for value in inner], [read(value) for value in outer]
        mine, theirs = [one for one in some if one is not None], [one for one in others if one is not None]
        if len(mine) != len(some) or not theirs:
            return False
        if "Less" in name:
            return max(mine) <= max(theirs)
        return min(mine) >= min(theirs) if "Greater" in name else set(mine) <= set(theirs)

    return compare


def _addresses(inner: Sequence[str], outer: Sequence[str], _name: str) -> bool:
    some, others = [network_of(value) for value in inner], [network_of(value) for value in outer]
    if None in some:
        return False
    return all(any(other is not None and _lies_in(one, other) for other in others) for one in some if one is not None)


def _lies_in(one: Network, other: Network) -> bool:
    shorter = other.host - one.host
    return one.version == other.version and shorter >= 0 and one.bits >> shorter == other.bits


_COMPARED: dict[str, Callable[[Sequence[str], Sequence[str], str], bool]] = {
    "Bool": _same_or_fewer,
    "Binary": _fewer,
    "Numeric": _ordered(number_of),
    "Date": _ordered(seconds_of),
    "Ip": _addresses,
}
