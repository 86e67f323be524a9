"""Operations with a reading and a writing handler: which one runs, and what cannot be declared."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rolecall.access.allowed import Allowed
from rolecall.access.check import Access
from rolecall.services.operation import Manner, Operation, Parameters, Result
from rolecall.store.interface import Snapshot, Transaction


class Named(Parameters, frozen=True, kw_only=True):
    user_name: str = ""


ACCESS: Access[Named] = Access(lambda ask: ())


def reading(allowed: Allowed, wanted: Named, view: Snapshot) -> Result:
    return {}


def writing(allowed: Allowed, wanted: Named, transaction: Transaction) -> Result:
    return {}


def is_named(wanted: Named) -> bool:
    return bool(wanted.user_name)


@pytest.mark.parametrize(
    ("parameters", "manner"), [({}, Manner.READ), ({"user_name": ""}, Manner.READ), ({"user_name": "a"}, Manner.WRITE)]
)
def test_the_parameters_of_a_call_decide_whether_it_writes(parameters: Mapping[str, object], manner: Manner) -> None:
    operation = Operation("iam", "GetUser", Named, ACCESS, read=reading, write=writing, writes=is_named)
    assert operation.built
    assert operation.call(parameters).manner is manner


def test_an_operation_with_one_handler_runs_in_one_manner() -> None:
    assert Operation("iam", "GetUser", Named, ACCESS, read=reading).call({"user_name": "a"}).manner is Manner.READ
    assert Operation("iam", "GetUser", Named, ACCESS, write=writing).call({}).manner is Manner.WRITE


def test_an_operation_without_a_handler_is_not_built() -> None:
    operation = Operation("iam", "GetUser", Named, ACCESS)
    assert not operation.built
    assert operation.call({}).manner is Manner.UNBUILT


def test_two_handlers_with_nothing_to_choose_between_them_are_refused() -> None:
    with pytest.raises(TypeError, match="iam:GetUser has more than one handler"):
        Operation("iam", "GetUser", Named, ACCESS, read=reading, write=writing)


def test_a_choice_between_handlers_that_are_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="iam:GetUser chooses between handlers that it does not have"):
        Operation("iam", "GetUser", Named, ACCESS, read=reading, writes=is_named)
    with pytest.raises(TypeError, match="iam:GetUser chooses between handlers that it does not have"):
        Operation("iam", "GetUser", Named, ACCESS, write=writing, writes=is_named)
