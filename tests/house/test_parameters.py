"""The parameters that an operation is declared with are those of AWS's model: what the wire lets in always fits."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from rolecall.app.services import registry
from rolecall.services.operation import Operation
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail
from rolecall.wire.model import Shape, service

KINDS: dict[type[inspect.Type], frozenset[str]] = {
    inspect.StrType: frozenset({"string"}),
    inspect.IntType: frozenset({"integer", "long"}),
    inspect.FloatType: frozenset({"float", "double"}),
    inspect.BoolType: frozenset({"boolean"}),
    inspect.BytesType: frozenset({"blob", "string"}),
    inspect.DateTimeType: frozenset({"timestamp"}),
}


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Operation[object]]]:
    store = SqliteStore(tmp_path_factory.mktemp("trail") / "trail.db", master_keys=MasterKeys.in_memory(), sync=False)
    trail = Trail(store)
    yield [one for one in registry(trail) if isinstance(one, Operation)]
    trail.close()


def misfits(declared: inspect.Type, shape: Shape, where: str) -> Iterator[str]:
    """Yield where a value of a shape would not fit the type that it is taken as."""
    if isinstance(declared, inspect.UnionType):
        known = [one for one in declared.types if not isinstance(one, inspect.NoneType | inspect.CustomType)]
        declared = known[0] if len(known) == 1 else inspect.AnyType()
    if isinstance(declared, inspect.StructType):
        for field in declared.fields:
            member = shape.members.get(field.name)
            if member is None:
                yield f"{where}.{field.name}: the model has no such member"
                continue
            if field.required and field.name not in shape.required:
                yield f"{where}.{field.name}: the model does not require it"
            yield from misfits(field.type, member.shape, f"{where}.{field.name}")
    elif isinstance(declared, inspect.VarTupleType | inspect.ListType):
        if shape.type != "list":
            yield f"{where}: a {shape.type} is taken as a list"
        else:
            yield from misfits(declared.item_type, shape.element.shape, f"{where}[]")
    elif isinstance(declared, inspect.DictType):
        if shape.type not in {"map", "structure"}:
            yield f"{where}: a {shape.type} is taken as a map"
    elif type(declared) in KINDS and shape.type not in KINDS[type(declared)]:
        yield f"{where}: a {shape.type} is taken as {type(declared).__name__}"


def test_parameters_are_those_of_the_model(operations: list[Operation[object]]) -> None:
    found = []
    for operation in operations:
        shape = service(operation.service).operations[operation.name].input
        if shape is not None and issubclass(operation.parameters, msgspec.Struct):
            found += misfits(inspect.type_info(operation.parameters), shape, operation.full_name)
    assert found == [], "\n".join(found)
