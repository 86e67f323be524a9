"""AWS's managed policies as the catalogue knows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from rolecall.catalog import managed_policies
from rolecall.identifiers import UNIQUE_ID

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_administrator_access_is_as_aws_publishes_it() -> None:
    policy = managed_policies.find(ADMINISTRATOR)
    assert policy is not None
    assert (policy.name, policy.path, policy.default_version) == ("AdministratorAccess", "/", 1)
    assert policy.policy_id == "ANPAIWMBCKSKIEE64ZLYK"
    assert policy.created == policy.updated == datetime(2015, 2, 6, 18, 39, 46, tzinfo=UTC)
    assert policy.description == "Provides full access to AWS services and resources."
    text = managed_policies.document(ADMINISTRATOR)
    assert text is not None
    assert json.loads(text) == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ViewOnlyAccess", "/job-function/"),
        ("AWSLambdaBasicExecutionRole", "/service-role/"),
        ("AWSSupportServiceRolePolicy", "/aws-service-role/"),
        ("S3UnlockBucketPolicy", "/root-task/"),
    ],
)
def test_the_path_is_part_of_the_arn(name: str, path: str) -> None:
    policy = managed_policies.find(f"arn:aws:iam::aws:policy{path}{name}")
    assert policy is not None
    assert (policy.name, policy.path) == (name, path)
    assert managed_policies.find(f"arn:aws:iam::aws:policy/{name}") is None


def test_only_the_default_version_has_a_document() -> None:
    power = managed_policies.find("arn:aws:iam::aws:policy/PowerUserAccess")
    assert power is not None
    assert power.default_version > 1
    assert managed_policies.document(power.arn, power.default_version) == managed_policies.document(power.arn)
    assert managed_policies.document(power.arn, 1) is None


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "AdministratorAccess",
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/administratoraccess",
        "arn:aws:iam::aws:policy/NoSuchPolicy",
        "arn:aws:iam::aws:policy/../AdministratorAccess",
    ],
)
def test_what_aws_does_not_publish_is_not_found(arn: str) -> None:
    assert managed_policies.find(arn) is None
    assert managed_policies.document(arn) is None


def test_policies_that_belong_to_service_linked_roles_cannot_be_attached() -> None:
    unattachable = {policy.path.split("/")[1] for policy in managed_policies.all_policies() if not policy.is_attachable}
    assert unattachable == {"aws-service-role", "root-task"}


def test_the_listing_is_sorted_by_name_and_complete() -> None:
    policies = managed_policies.all_policies()
    names = [policy.name.lower() for policy in policies]
    assert names == sorted(names)
    assert len(policies) == len({policy.arn for policy in policies}) > 1400
    assert len({policy.policy_id for policy in policies}) == len(policies)
    assert all(UNIQUE_ID.fullmatch(policy.policy_id) for policy in policies)
    assert all(managed_policies.find(policy.arn) == policy for policy in policies)


def test_every_document_is_json_with_statements() -> None:
    for policy in managed_policies.all_policies():
        text = managed_policies.document(policy.arn)
        assert text is not None
        assert json.loads(text)["Statement"], policy.name
