"""Remedies over drawn worlds: what is told, done to the documents, is an allow to the slow evaluator too."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
from tests.spec import evaluator
from tests.spec.evaluator import Json, World
from tests.spec.worlds import attached, drawn

from rolecall.access.remedy import Change, remedy
from rolecall.policy.decide import Attached, Layer, Policies
from rolecall.policy.request import PolicyRequest

WORLDS = 60


class Named:
    """A world whose documents are known by names of their own."""

    def __init__(self, made: World) -> None:
        self.world = copy.deepcopy(made)
        self.documents: dict[str, Json] = {}
        self._numbers = count()
        self.policies = Policies(
            identity=tuple(map(self._one, self.world.identity)),
            boundary=self._maybe(self.world.boundary),
            session=None if self.world.session is None else tuple(map(self._one, self.world.session)),
            resource=self._maybe(self.world.resource),
            scps=tuple(tuple(map(self._one, level)) for level in self.world.scps),
            rcps=tuple(tuple(map(self._one, level)) for level in self.world.rcps),
            endpoint=self._maybe(self.world.endpoint),
        )

    def _one(self, document: Json) -> Attached:
        name = f"document {next(self._numbers)}"
        self.documents[name] = document
        return attached(document, name)

    def _maybe(self, document: Json | None) -> Attached | None:
        return None if document is None else self._one(document)

    def do(self, change: Change) -> None:
        """Make a change as a person would, in the JSON."""
        if change.statement is not None:
            self._add(change, dict(change.statement))
            return
        assert change.denying is not None
        assert change.condition is not None
        statements: Any = self.documents[change.to]["Statement"]
        denying = statements[change.denying.statement] if isinstance(statements, list) else statements
        condition: Any = denying.setdefault("Condition", {})
        for operator, keys in change.condition.items():
            assert isinstance(keys, dict)
            condition.setdefault(operator, {}).update(keys)

    def _add(self, change: Change, statement: Json) -> None:
        new: Json = {"Version": "2012-10-17", "Statement": [statement]}
        known = self.documents.get(change.to)
        if change.layer is Layer.IDENTITY:
            self.world = replace(self.world, identity=[*self.world.identity, new])
        elif change.layer is Layer.SESSION:
            if self.world.session:
                known = self.world.session[0]
            else:
                self.world = replace(self.world, session=[new])
        elif known is None and change.layer is Layer.SCP:
            level = int(change.to.split()[1]) - 1
            self.world.scps[level].append(new)
        elif known is None:
            self.world = replace(self.world, resource=new)
        if known is not None and change.layer is not Layer.IDENTITY:
            statements: Any = known["Statement"]
            known["Statement"] = [*(statements if isinstance(statements, list) else [statements]), statement]


def _known_by_arn(request: PolicyRequest) -> PolicyRequest:
    """Return a request with the key that a Deny can spare its caller by."""
    arn = request.principal.owner_arn or request.principal.arn
    return msgspec.structs.replace(request, context={**request.context, "aws:principalarn": arn}) if arn else request


def test_what_is_told_is_an_allow_when_it_is_done() -> None:
    told, layers = 0, set()
    for number in range(WORLDS):
        made, asked = drawn(number)
        for request in map(_known_by_arn, asked):
            named = Named(made)
            changes = remedy(request, named.policies)
            for change in changes:
                named.do(change)
                layers.add((change.layer, change.statement is None))
            if changes:
                told += 1
                assert evaluator.decide(request, named.world)[0] == evaluator.ALLOW, (number, request, changes)
    assert told > WORLDS
    assert {layer for layer, _ in layers} >= {Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION, Layer.SCP, Layer.RESOURCE}
    assert (Layer.TRUST, False) in layers
    assert {layer for layer, denying in layers if denying} >= {Layer.IDENTITY, Layer.RESOURCE, Layer.RCP, Layer.SCP}


def test_no_change_is_told_of_what_is_allowed() -> None:
    for number in range(WORLDS // 5):
        made, asked = drawn(number)
        for request in asked:
            if evaluator.decide(request, made)[0] == evaluator.ALLOW:
                assert remedy(request, Named(made).policies) == ()
