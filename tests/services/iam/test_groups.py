from __future__ import annotations

from typing import Any

from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document
from tests.services.iam.refused import refused

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_a_member_has_the_rights_of_its_group_until_it_leaves(account: ServedAccount, iam: Any) -> None:
    who = account.client(who=account.user("alice"))
    iam.create_group(GroupName="devs")
    iam.put_group_policy(GroupName="devs", PolicyName="p", PolicyDocument=document(allow("iam:ListGroups")))
    assert refused(who.list_groups)[0] == "AccessDenied"
    iam.add_user_to_group(GroupName="devs", UserName="alice")
    assert [group["GroupName"] for group in who.list_groups()["Groups"]] == ["devs"]
    iam.remove_user_from_group(GroupName="devs", UserName="alice")
    assert refused(who.list_groups)[0] == "AccessDenied"


def test_membership_is_decided_on_the_group_alone(account: ServedAccount, iam: Any) -> None:
    who = account.client(who=account.user("a", allow("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/g")))
    for name in ("g", "h"):
        iam.create_group(GroupName=name)
    who.add_user_to_group(GroupName="g", UserName="a")
    code, _, text = refused(who.add_user_to_group, GroupName="h", UserName="a")
    assert code == "AccessDenied"
    assert "on resource: group h because" in text


def test_a_group_shows_its_members_page_by_page(iam: Any) -> None:
    iam.create_group(GroupName="g", Path="/p/")
    for name in ("c", "A", "b"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="g", UserName=name)
    first = iam.get_group(GroupName="G", MaxItems=2)
    assert first["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/p/g"
    assert [user["UserName"] for user in first["Users"]] == ["A", "b"]
    assert [user["UserName"] for user in iam.get_group(GroupName="g", Marker=first["Marker"])["Users"]] == ["c"]
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="a")["Groups"]] == ["g"]


def test_adding_a_member_again_changes_nothing(iam: Any) -> None:
    iam.create_group(GroupName="g")
    iam.create_user(UserName="a")
    iam.add_user_to_group(GroupName="g", UserName="a")
    iam.add_user_to_group(GroupName="g", UserName="a")
    assert len(iam.get_group(GroupName="g")["Users"]) == 1


def test_a_user_is_in_ten_groups_at_most(iam: Any) -> None:
    iam.create_user(UserName="a")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"g{number}", UserName="a")
    said = refused(iam.add_user_to_group, GroupName="g10", UserName="a")
    assert said == ("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10")
    iam.add_user_to_group(GroupName="g3", UserName="a")


def test_a_group_is_deleted_only_when_nothing_hangs_on_it(iam: Any) -> None:
    iam.create_group(GroupName="g")
    iam.create_user(UserName="a")
    iam.add_user_to_group(GroupName="g", UserName="a")
    iam.attach_group_policy(GroupName="g", PolicyArn=READ_ONLY)
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    assert refused(iam.delete_group, GroupName="g")[2] == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName="g", UserName="a")
    assert refused(iam.delete_group, GroupName="g")[2] == "Cannot delete entity, must detach all policies first."
    iam.detach_group_policy(GroupName="g", PolicyArn=READ_ONLY)
    assert refused(iam.delete_group, GroupName="g")[2] == "Cannot delete entity, must delete policies first."
    iam.delete_group_policy(GroupName="g", PolicyName="p")
    iam.delete_group(GroupName="g")
    assert refused(iam.get_group, GroupName="g") == (
        "NoSuchEntity", 404, "The group with name g cannot be found."
    )  # fmt: skip


def test_a_renamed_group_keeps_its_members_and_policies(account: ServedAccount, iam: Any) -> None:
    who = account.client(who=account.user("alice"))
    iam.create_group(GroupName="devs")
    iam.put_group_policy(GroupName="devs", PolicyName="p", PolicyDocument=document(allow("iam:ListGroups")))
    iam.add_user_to_group(GroupName="devs", UserName="alice")
    iam.update_group(GroupName="devs", NewGroupName="Builders", NewPath="/x/")
    assert [group["Arn"] for group in who.list_groups()["Groups"]] == [f"arn:aws:iam::{ACCOUNT}:group/x/Builders"]
