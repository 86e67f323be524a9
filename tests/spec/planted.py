"""Mistakes planted in the engine: each a name, a file of the policy room, what stands there and what is put instead.

Each was made somewhere by somebody. The mistaken engine is a copy beside the real one, imported under a name of its own.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

POLICY = Path(__file__).parent.parent.parent / "src" / "rolecall" / "policy"
SHARED = ("request", "document")
"""Modules that hold nothing but values: the copy uses the real ones, so that both engines take the same request."""


class Mistake(NamedTuple):
    file: str
    old: str
    new: str


MISTAKES = {
    # A layer that has no say, or too much.
    "service control policies are skipped": Mistake("decide", "if policies.scps and", "if False and policies.scps and"),
    "resource control policies are skipped": Mistake(
        "decide", "if policies.rcps and", "if False and policies.rcps and"
    ),
    "the endpoint policy is skipped": Mistake("decide", "if policies.endpoint is not None:", "if False:"),
    "the boundary is skipped": Mistake("decide", "if policies.boundary is not None and self.bounded:", "if False:"),
    "session policies are skipped": Mistake("decide", "if policies.session is not None:", "if False:"),
    "denies of the resource's policy are skipped": Mistake(
        "decide", "denies += verdict.denies", "denies += [] if layer is Layer.RESOURCE else verdict.denies"
    ),
    "denies of the trust policy are skipped": Mistake(
        "decide", "denies += verdict.denies", "denies += [] if layer is Layer.TRUST else verdict.denies"
    ),
    "denies of the boundary are skipped": Mistake(
        "decide", "denies += verdict.denies", "denies += [] if layer is Layer.BOUNDARY else verdict.denies"
    ),
    "a boundary grants": Mistake(
        "decide",
        "if Layer.IDENTITY in self.silent:",
        "if Layer.IDENTITY in self.silent and (not self.bounded or Layer.BOUNDARY in self.silent):",
    ),
    "a session policy grants": Mistake(
        "decide",
        "if Layer.IDENTITY in self.silent:",
        "if Layer.IDENTITY in self.silent and (not self.policies.session or Layer.SESSION in self.silent):",
    ),
    "an allow before it outweighs a deny": Mistake(
        "evaluate",
        "            else:\n                verdict.denies",
        "            elif not verdict.allows:\n                verdict.denies",
    ),
    "one level of service control policies is enough": Mistake(
        "decide",
        "found += [(Layer.SCP, level) for level in policies.scps]",
        "found += [(Layer.SCP, tuple(each for level in policies.scps for each in level))]",
    ),
    "service control policies bind service-linked roles": Mistake(
        "decide",
        "not caller.in_management_account and not _is_service_linked(caller):",
        "not caller.in_management_account:",
    ),
    "service control policies bind the management account": Mistake(
        "decide", "not outside and not caller.in_management_account and", "not outside and"
    ),
    "resource control policies reach actions without a resource": Mistake(
        "decide", 'self.request.resource != "*" and ', ""
    ),
    # Two accounts.
    "another account's policy grants without the caller's own": Mistake(
        "decide",
        "            return self._caller_side(own) if reach else _refused(own)\n        if request.needs_delegation",
        "            return self._granted(own) if reach else _refused(own)\n        if request.needs_delegation",
    ),
    "the caller's own policies reach into another account": Mistake(
        "decide",
        "            return self._caller_side(own) if reach else _refused(own)\n        if request.needs_delegation",
        "            return self._caller_side(own)\n        if request.needs_delegation",
    ),
    "what needs both sides is given by one": Mistake("decide", "if request.needs_both_sides or ", "if "),
    # Who is named, and what follows.
    "a role is entered by the caller's policies alone": Mistake(
        "decide",
        "        return self._caller_side(own) if reach else _refused(own)\n\n    def _is_foreign",
        "        return self._caller_side(own)\n\n    def _is_foreign",
    ),
    "root enters roles": Mistake("decide", "if request.must_be_admitted and self.kind in", "if False and self.kind in"),
    "a key's policy need not admit anybody": Mistake(
        "decide", "if request.needs_delegation and not reach:", "if False:"
    ),
    "a federated session needs no session policy": Mistake(
        "decide", "unlimited = self.kind is PrincipalKind.FEDERATED_USER and", "unlimited = False and"
    ),
    "an account that is named grants at once": Mistake(
        "principal", "return Reach.ACCOUNT if account else Reach.NONE", "return Reach.DIRECT if account else Reach.NONE"
    ),
    "a role that is named is not limited": Mistake(
        "principal", "            return Reach.OWNER", "            return Reach.DIRECT"
    ),
    "a session is not named by its role": Mistake("principal", "if self._names_owner(caller):", "if False:"),
    "a login opens roles of another account": Mistake("decide", "reach and not self._is_foreign_login()", "reach"),
    "a star in an Allow admits any login": Mistake("principal", "(self.everyone and not self.allow)", "self.everyone"),
    "NotPrincipal is read as Principal": Mistake("principal", "if not self.negated:", "if True:"),
    "NotPrincipal spares who is listed in any form": Mistake(
        "principal", "not bounded and self._listed_throughout(caller)", "not bounded and self._named(caller)"
    ),
    "NotPrincipal spares callers with a boundary": Mistake("principal", "not bounded and self._listed", "self._listed"),
    # Statements.
    "NotAction is ignored": Mistake("compile", "in self.actions) is not self.not_actions", "in self.actions)"),
    "NotResource is ignored": Mistake("compile", "in self.resources) is not self.not_resources", "in self.resources)"),
    "one condition of several is enough": Mistake(
        "compile",
        "            if not check(context):\n                return False\n        return True",
        "            if check(context):\n                return True\n        return not self.conditions",
    ),
    "only the first statement counts": Mistake(
        "compile", "in enumerate(document.statements)", "in enumerate(document.statements[:1])"
    ),
    "documents of 2008 have variables": Mistake("compile", "variables=document.has_variables", "variables=True"),
    # Patterns.
    "an exact action covers what begins like it": Mistake(
        "glob", "return first.__eq__", "return lambda text: text.startswith(first)"
    ),
    "an action without a colon is a prefix": Mistake(
        "match", "        return _never\n    if not", "        return glob(wild_tokens(lowered + '*'))\n    if not"
    ),
    "actions compare with their case": Mistake("match", "lowered = pattern.lower()", "lowered = pattern"),
    "a question mark is nothing or one": Mistake(
        "glob", "return lambda text: len(text) == first_width and", "return lambda text: len(text) >= first_width and"
    ),
    "the default of a variable is ignored": Mistake("template", "else token.default\n", "else None\n"),
    "a variable without a value is empty text": Mistake(
        "template",
        "            if text is None:\n                return None",
        "            if text is None:\n                text = ''",
    ),
    "a star in a variable's value is a wildcard": Mistake(
        "template", "            found.append(text)\n", "            found.extend(wild_tokens(text))\n"
    ),
    # Conditions.
    "ForAllValues over nothing is false": Mistake(
        "condition",
        "if values is None or not any(values):\n            return True",
        "if values is None or not any(values):\n            return False",
    ),
    "ForAllValues is content with one": Mistake(
        "condition",
        "        return all(matched(value, context) is not negated",
        "        return any(matched(value, context) is not negated",
    ),
    "ForAnyValue over a missing key is true": Mistake(
        "condition",
        "return values is not None and any(values) and any(",
        "return values is None or any(values) and any(",
    ),
    "ForAnyValue wants all": Mistake("condition", "any(values) and any(", "any(values) and all("),
    "ForAllValues does not hear Not": Mistake(
        "condition", "return _for_all(key, matched, found.operator.negated)", "return _for_all(key, matched, False)"
    ),
    "empty texts count as values": Mistake("condition", "if values is None or not any(values):", "if values is None:"),
    "one of several values is enough without a set operator": Mistake(
        "condition",
        "            if len(value) != 1:\n                return not value and absent",
        "            if not value:\n                return absent",
    ),
    "IfExists is dropped": Mistake("condition", 'if_exists = name.endswith("ifexists")', "if_exists = False"),
    "a negated operator is false over a missing key": Mistake(
        "condition", "absent=found.if_exists or found.operator.negated)", "absent=found.if_exists)"
    ),
    "Null is inverted": Mistake(
        "condition",
        'if_absent, if_present = "true" in wanted, "false" in wanted',
        'if_present, if_absent = "true" in wanted, "false" in wanted',
    ),
    "StringEquals folds case": Mistake("condition", "variables, lambda text: text)", "variables, str.lower)"),
    "StringEqualsIgnoreCase keeps case": Mistake(
        "condition",
        "return _text(values, variables, str.lower)\n\n\ndef _text",
        "return _text(values, variables, str)\n\n\ndef _text",
    ),
    "StringLike takes no wildcards": Mistake(
        "condition", 'Operator("StringLike", _like)', 'Operator("StringLike", _equal)'
    ),
    "less than means at most": Mistake("condition", '"LessThan": compare.lt', '"LessThan": compare.le'),
    "numbers are floats": Mistake("condition", "return Decimal(text) if", "return Decimal(float(text)) if"),
    "Bool takes any words": Mistake("condition", 'value.lower() in {"true", "false"} and test', "test"),
    "an IPv6 range holds IPv4 addresses": Mistake("condition", "each.version == address.version and ", ""),
    "the border of a range is exact": Mistake(
        "condition", "address.bits >> each.host == each.bits", "address.bits == each.bits"
    ),
    "epoch seconds are no date": Mistake("moment", "if _EPOCH.fullmatch(text):", "if False:"),
    "a date's zone is ignored": Mistake("moment", "minute * 60 + second - offset", "minute * 60 + second"),
}


PACKAGE = "planted_policy"


@cache
def _code(name: str, mistake: Mistake | None) -> CodeType:
    """The module's code, its imports turned to the copy."""
    text = (POLICY / f"{name}.py").read_text(encoding="utf-8")
    if mistake is not None:
        assert text.count(mistake.old) == 1, f"{mistake.old!r} stands {text.count(mistake.old)} times in {name}.py"
        text = text.replace(mistake.old, mistake.new)
    text = re.sub(rf"from rolecall\.policy\.(?!{'|'.join(SHARED)})", f"from {PACKAGE}.", text)
    return compile(text, f"{PACKAGE}/{name}.py", "exec")


class _Copy(MetaPathFinder, Loader):
    """Finds the modules of the copy, one of them with the mistake."""

    def __init__(self, mistake: Mistake | None) -> None:
        self.mistake = mistake

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        package, _, _name = fullname.partition(".")
        return ModuleSpec(fullname, self, is_package=fullname == PACKAGE) if package == PACKAGE else None

    def exec_module(self, module: ModuleType) -> None:
        _package, _, name = module.__name__.partition(".")
        if name:
            mistaken = self.mistake is not None and self.mistake.file == name
            exec(_code(name, self.mistake if mistaken else None), module.__dict__)


@contextmanager
def planted(mistake: Mistake | None) -> Iterator[tuple[ModuleType, ModuleType, ModuleType]]:
    """A copy of the engine, with the mistake: its modules `decide`, `compile` and `parse`."""
    finder = _Copy(mistake)
    sys.meta_path.insert(0, finder)
    try:
        yield tuple(importlib.import_module(f"{PACKAGE}.{name}") for name in ("decide", "compile", "parse"))
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
