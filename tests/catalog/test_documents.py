"""Every document of the catalogue is one that the policy room can read and compile."""

from __future__ import annotations

from rolecall.catalog import managed_policies
from rolecall.policy.compile import compile_policy
from rolecall.policy.parse import PolicyUnreadable, parse


def test_every_managed_policy_can_be_read_and_compiled() -> None:
    unread: dict[str, str] = {}
    for policy in managed_policies.all_policies():
        text = managed_policies.document(policy.arn)
        assert text is not None
        try:
            compile_policy(parse(text))
        except PolicyUnreadable as error:
            unread[policy.name] = str(error)
    assert unread == {}
