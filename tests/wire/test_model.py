"""The pinned models: complete, correct, and the same as botocore's but for the overlay."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import msgspec
import pytest
from botocore import xform_name
from tests.wire.botocore_half import PROTOCOLS, model
from tools.import_models import SERVICES, difference, read

from rolecall.wire.model import ServiceModel, service, services, snake
from rolecall.wire.pinned import Correction, ModelRecord, corrections, load, pinned_services

FOLDER = Path(__file__).parent.parent.parent / "src" / "rolecall" / "wire" / "models"
WITHOUT = {"GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification"}


def test_five_services_are_pinned() -> None:
    assert services() == pinned_services() == ("access-analyzer", "cloudtrail", "iam", "organizations", "s3", "sts")
    assert {name: service(name).protocol for name in services()} == PROTOCOLS


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_the_operations_are_botocores_but_for_the_overlay(name: str) -> None:
    ours, theirs = set(service(name).operations), set(model(name).operation_names)
    assert ours - theirs == ({"PostObject"} if name == "s3" else set())
    assert theirs - ours == (WITHOUT if name == "s3" else set())


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_every_name_is_spelled_as_boto3_spells_it(name: str) -> None:
    for operation in service(name).operations:
        assert snake(operation) == xform_name(operation)
    for shape in service(name).record.shapes:
        members = service(name).shape(shape).members
        assert list(members) == [xform_name(member) for member in service(name).record.shapes[shape].members]


@pytest.mark.parametrize(
    "name", ["ARNs", "PolicyARNs", "SSEKMSKeyId", "ETag", "ChecksumCRC32C", "HTTPHeaders", "a_b", "", "x"]
)
def test_odd_names_are_spelled_as_boto3_spells_them(name: str) -> None:
    assert snake(name) == xform_name(name)


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_every_shape_that_is_used_is_there(name: str) -> None:
    for shape in service(name).record.shapes:
        found = service(name).shape(shape)
        for member in found.members.values():
            assert member.shape.name == member.traits.shape
        assert set(found.required) <= set(found.members)
        if found.type == "list":
            assert found.element.shape
        if found.type == "map":
            assert found.key.shape.type == "string"


def test_two_questions_have_one_answer() -> None:
    assert service("iam") is service("iam")
    assert service("iam").operations["GetUser"] is service("iam").operations["GetUser"]
    with pytest.raises(KeyError):
        service("ec2")
    with pytest.raises(KeyError):
        service("overlay")


def test_every_correction_changes_something_and_says_why() -> None:
    for correction in corrections():
        pinned: object = json.loads((FOLDER / f"{correction.service}.json").read_text())
        for step in correction.path:
            pinned = pinned.get(step) if isinstance(pinned, dict) else None
        assert pinned != correction.value, correction.path
        assert len(correction.reason) > 20


def test_a_correction_of_what_is_not_there_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Correction("sts", ("operations", "Nothing", "input", "shape"), "X", "a reason of some length")
    monkeypatch.setattr("rolecall.wire.pinned.corrections", lambda: (lost,))
    with pytest.raises((KeyError, TypeError)):
        load("sts")


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_what_is_pinned_is_what_the_script_takes_from_the_same_botocore(name: str) -> None:
    assert set(SERVICES) == set(PROTOCOLS)
    pinned = json.loads((FOLDER / f"{name}.json").read_text())
    assert pinned["source"]["version"] == botocore.__version__, "constraints.txt and the pinned models differ"
    assert list(difference(pinned, read(name))) == []


def test_a_difference_says_what_came_what_went_and_what_changed() -> None:
    old = {"shapes": {"A": {"max": 1, "min": 0}, "B": {}}}
    new = {"shapes": {"A": {"max": 2, "min": 0, "pattern": "x"}}}
    assert list(difference(old, new)) == ["~ /shapes/A/max: 1 -> 2", "+ /shapes/A/pattern", "- /shapes/B"]


def test_no_documentation_and_one_entry_a_line() -> None:
    for path in FOLDER.glob("*.json"):
        lines = path.read_text().splitlines()
        assert '"documentation"' not in path.read_text().replace('{"documentation"', "")
        assert len(lines) > 30
        if path.name != "overlay.json":
            assert json.loads(lines[1].removeprefix('"source": ').removesuffix(","))["package"] == "botocore"


def test_a_shape_that_holds_itself_is_read_late() -> None:
    record = {
        "metadata": {"apiVersion": "1", "protocol": "query"},
        "operations": {},
        "shapes": {"Tree": {"type": "structure", "members": {"Branch": {"shape": "Tree"}}}},
    }
    tree = ServiceModel("x", msgspec.convert(record, ModelRecord)).shape("Tree")
    assert tree.members["branch"].shape is tree
