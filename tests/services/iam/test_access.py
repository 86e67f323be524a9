"""Every operation of IAM against AWS's own list of actions, resource types and condition keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, deny
from tests.services.iam.refused import refused

from rolecall.access.caller import Caller
from rolecall.access.check import Check
from rolecall.catalog import actions, managed_policies
from rolecall.message import Request
from rolecall.policy.request import Principal, PrincipalKind
from rolecall.services.iam import operations
from rolecall.services.iam.service_linked_roles import LINKS
from rolecall.services.operation import Declared
from rolecall.wire.model import Shape, service

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ROOT = Caller(Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), ACCOUNT)
OPERATIONS = {operation.name: operation for operation in operations}

UNLISTED = {"AcquireRole", "UpdateDelegationRequest", "UpdateOpenIDConnectProvider"}
"""Operations that the Service Authorization Reference does not know yet."""


class NoBody:
    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


REQUEST = Request("POST", b"/", b"", (), NoBody())


def an_example(shape: Shape, name: str = "") -> Any:
    """Return a value for a parameter, as the wire would hand it on."""
    if shape.type == "structure":
        return {snake: an_example(member.shape, member.name) for snake, member in shape.members.items()}
    if shape.type == "list":
        return [an_example(shape.element.shape, name)]
    if shape.type in {"integer", "long"}:
        return 5
    if shape.type == "boolean":
        return True
    if shape.type == "map":
        return {}
    if name == "SerialNumber":
        return f"arn:aws:iam::{ACCOUNT}:mfa/x"
    if name.endswith("Arn"):
        kind = {"OpenIDConnectProviderArn": "oidc-provider/x", "SAMLProviderArn": "saml-provider/x",
                "TemplateArn": "role-template/x/y:1", "PolicySourceArn": "user/x", "Arn": "user/x",
                "EntityArn": "delegation-request/x"}  # fmt: skip
        owner = "aws" if name == "TemplateArn" else ACCOUNT
        return f"arn:aws:iam::{owner}:{kind.get(name, 'policy/x')}"
    if "Path" in name and name != "EntityPath":
        return "/x/"
    return {"Url": "https://example.com/x", "DeletionTaskId": "task/aws-service-role/x/y/1"}.get(name, "x")


def checks_of(account: ServedAccount, operation: Declared) -> list[Check]:
    shape = service("iam").operations[operation.name].input
    call = operation.call(an_example(shape) if shape else {})
    with account.store.view() as view:
        return list(call.checks(ROOT, REQUEST, view, NOW))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    served = ServedAccount(tmp_path_factory.mktemp("empty"))
    yield served
    served.close()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_asks_for_the_action_of_its_name(empty: ServedAccount, name: str) -> None:
    checks = checks_of(empty, OPERATIONS[name])
    assert checks[0].action == f"iam:{name}"
    for check in checks:
        assert actions.is_action(check.action) or name in UNLISTED, check.action


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - UNLISTED))
def test_a_resource_is_of_a_type_that_the_action_has(empty: ServedAccount, name: str) -> None:
    for check in checks_of(empty, OPERATIONS[name]):
        types = actions.resource_types(check.action)
        if check.resource == "*":
            assert not types or name == "GetAccessKeyLastUsed"
        elif not check.resource.endswith(":root"):
            patterns = [kind.pattern.replace("${Partition}", "aws") for kind in types]
            assert any(fnmatchcase(check.resource, pattern) for pattern in patterns), (check.resource, patterns)


def test_nothing_is_asked_about_a_key_that_the_action_does_not_have(empty: ServedAccount) -> None:
    for name in set(OPERATIONS) - UNLISTED:
        for check in checks_of(empty, OPERATIONS[name]):
            for key in check.context:
                assert actions.is_global_key(key) or actions.has_condition_key(check.action, key), (name, key)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_nobody_without_rights_gets_past_the_check(empty: ServedAccount, name: str) -> None:
    """CVE-2024-55949: an administrative call without a check."""
    nobody = NOBODY.setdefault("key", empty.user("nobody", allow("s3:*"))) if "key" not in NOBODY else NOBODY["key"]
    client = empty.client(who=nobody)
    parameters = _as_sent(client, name)
    from_snake = {client.meta.method_to_api_mapping[method]: method for method in client.meta.method_to_api_mapping}
    assert refused(getattr(client, from_snake[name]), **parameters)[:2] == ("AccessDenied", 403)


NOBODY: dict[str, Any] = {}


def _as_sent(client: Any, name: str) -> dict[str, Any]:
    """Return just enough valid parameters for a call."""
    shape = client.meta.service_model.operation_model(name).input_shape
    return {} if shape is None else {member: _sent(shape.members[member], member) for member in shape.required_members}


def _sent(shape: Any, name: str) -> Any:
    if shape.type_name == "list":
        return [_sent(shape.member, name)]
    if shape.type_name == "structure":
        members = shape.required_members or list(shape.members)[:1]
        return {member: _sent(shape.members[member], member) for member in members}
    if shape.type_name in {"integer", "long"}:
        return max(shape.metadata.get("min", 1), 1)
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "map":
        return {"a/b": "c"}
    if shape.enum:
        return shape.enum[0]
    if name.endswith("Arn"):
        return f"arn:aws:iam::{ACCOUNT}:policy/long-enough"
    if "Code" in name:
        return "123456"
    length = shape.metadata.get("min", 1)
    special = {"AWSServiceName": "ecs.amazonaws.com", "VersionId": "v1", "EntityPath": "o-abcdefghij/r-abcd"}
    return special.get(name, "x" * max(length, 3))


def test_what_is_not_built_says_so_to_those_who_may(iam: Any) -> None:
    code, status, text = refused(iam.get_account_properties)
    assert (code, status) == ("NotImplemented", 501)
    assert "GetAccountProperties" in text


def test_a_deny_reaches_operations_that_root_would_be_allowed(account: ServedAccount) -> None:
    """CVE-2023-25812: a Deny on one action of a compound call was not asked about."""
    who = account.client(who=account.user("a", allow("*"), deny("iam:TagUser")))
    assert who.create_user(UserName="b")
    text = refused(who.create_user, UserName="c", Tags=[{"Key": "a", "Value": "b"}])[2]
    assert text.endswith("with an explicit deny in an identity-based policy")


def test_every_service_linked_policy_is_one_of_aws(empty: ServedAccount) -> None:
    for link in LINKS.values():
        assert managed_policies.find(f"arn:aws:iam::aws:policy/aws-service-role/{link.policy}") is not None, link


def test_most_of_iam_is_built() -> None:
    unbuilt = [operation for operation in operations if not operation.built]
    assert len(unbuilt) < len(OPERATIONS) / 3
