from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, document
from tests.services.iam.refused import refused


def test_a_user_is_shown_as_it_was_created(iam: Any) -> None:
    made = iam.create_user(UserName="Alice", Path="/team/red/", Tags=[{"Key": "Team", "Value": "red"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/red/Alice"
    assert made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21
    assert iam.get_user(UserName="alice")["User"] == made


def test_a_listing_shows_neither_tags_nor_boundary(iam: Any) -> None:
    iam.create_user(
        UserName="a", Tags=[{"Key": "k", "Value": "v"}], PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    assert set(iam.list_users()["Users"][0]) == {"Path", "UserName", "UserId", "Arn", "CreateDate"}


def test_a_name_is_taken_whatever_its_case(iam: Any) -> None:
    iam.create_user(UserName="Alice")
    said = refused(iam.create_user, UserName="aLICE")
    assert said == ("EntityAlreadyExists", 409, "User with name aLICE already exists.")


@pytest.mark.parametrize("call", ["get_user", "delete_user", "list_user_policies", "list_attached_user_policies",
                                  "list_groups_for_user", "list_user_tags", "create_access_key", "list_access_keys"])  # fmt: skip
def test_a_user_that_is_not_there_cannot_be_found(iam: Any, call: str) -> None:
    said = refused(getattr(iam, call), UserName="nobody")
    assert said == ("NoSuchEntity", 404, "The user with name nobody cannot be found.")


def test_root_asks_about_itself(iam: Any) -> None:
    user = iam.get_user()["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert user["UserId"] == ACCOUNT
    assert "UserName" not in user


def test_a_user_asks_about_itself_and_needs_the_right(account: ServedAccount) -> None:
    may = account.user("may", allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/may"))
    may_not = account.user("may-not", allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/may"))
    assert account.client(who=may).get_user()["User"]["UserName"] == "may"
    code, status, text = refused(account.client(who=may_not).get_user)
    assert (code, status) == ("AccessDenied", 403)
    assert text == (
        f"User: arn:aws:iam::{ACCOUNT}:user/may-not is not authorized to perform: iam:GetUser on resource: user may-not"
        " because no identity-based policy allows the iam:GetUser action"
    )


def test_a_renamed_user_keeps_id_keys_and_rights(account: ServedAccount, iam: Any) -> None:
    key = account.user("old", allow("iam:GetUser"))
    before = iam.get_user(UserName="old")["User"]
    iam.update_user(UserName="old", NewUserName="New", NewPath="/moved/")
    after = account.client(who=key).get_user()["User"]
    assert after["UserId"] == before["UserId"]
    assert after["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/moved/New"
    assert refused(iam.get_user, UserName="old")[0] == "NoSuchEntity"


def test_a_rename_to_a_taken_name_is_refused(iam: Any) -> None:
    for name in ("a", "b"):
        iam.create_user(UserName=name)
    said = refused(iam.update_user, UserName="a", NewUserName="B")
    assert said == ("EntityAlreadyExists", 409, "User with name B already exists.")


def test_a_rename_needs_the_right_on_both_arns(account: ServedAccount) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user"
    account.client().create_user(UserName="from")
    half = account.user("half", allow("iam:UpdateUser", f"{arn}/from"))
    other_half = account.user("other-half", allow("iam:UpdateUser", f"{arn}/to"))
    whole = account.user("whole", allow("iam:UpdateUser", [f"{arn}/from", f"{arn}/to"]))
    for who in (half, other_half):
        assert refused(account.client(who=who).update_user, UserName="from", NewUserName="to")[0] == "AccessDenied"
    account.client(who=whole).update_user(UserName="from", NewUserName="to")


def test_a_user_is_deleted_only_when_nothing_hangs_on_it(iam: Any) -> None:
    iam.create_user(UserName="a")
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="a")
    iam.attach_user_policy(UserName="a", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_user_policy(UserName="a", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    key = iam.create_access_key(UserName="a")["AccessKey"]["AccessKeyId"]

    def conflict() -> str:
        code, status, text = refused(iam.delete_user, UserName="a")
        assert (code, status) == ("DeleteConflict", 409)
        return text

    assert conflict() == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName="g", UserName="a")
    assert conflict() == "Cannot delete entity, must detach all policies first."
    iam.detach_user_policy(UserName="a", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert conflict() == "Cannot delete entity, must delete policies first."
    iam.delete_user_policy(UserName="a", PolicyName="p")
    assert conflict() == "Cannot delete entity, must remove referenced objects first."
    iam.delete_access_key(UserName="a", AccessKeyId=key)
    iam.delete_user(UserName="a")
    assert iam.list_users()["Users"] == []


def test_a_listing_goes_on_where_it_stopped_whatever_changes_between_pages(iam: Any) -> None:
    for name in ("a", "B", "c", "D", "e"):
        iam.create_user(UserName=name)
    first = iam.list_users(MaxItems=2)
    assert [user["UserName"] for user in first["Users"]] == ["a", "B"]
    assert first["IsTruncated"] is True
    iam.delete_user(UserName="B")
    iam.create_user(UserName="aa")
    second = iam.list_users(MaxItems=2, Marker=first["Marker"])
    assert [user["UserName"] for user in second["Users"]] == ["c", "D"]
    last = iam.list_users(MaxItems=2, Marker=second["Marker"])
    assert [user["UserName"] for user in last["Users"]] == ["e"]
    assert last["IsTruncated"] is False
    assert "Marker" not in last


def test_a_marker_that_is_none_is_refused(iam: Any) -> None:
    assert refused(iam.list_users, Marker="nonsense") == ("ValidationError", 400, "Invalid Marker.")


def test_a_full_last_page_is_not_truncated(iam: Any) -> None:
    for name in ("a", "b"):
        iam.create_user(UserName=name)
    assert iam.list_users(MaxItems=2)["IsTruncated"] is False


def test_a_path_prefix_need_not_end_at_a_slash(iam: Any) -> None:
    iam.create_user(UserName="a", Path="/dev/x/")
    iam.create_user(UserName="b", Path="/deva/")
    iam.create_user(UserName="c")
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/dev")["Users"]] == ["a", "b"]
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/dev/")["Users"]] == ["a"]


def test_a_listing_is_decided_on_the_path_prefix(account: ServedAccount) -> None:
    who = account.client(who=account.user("a", allow("iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/team/*")))
    assert who.list_users(PathPrefix="/team/")["Users"] == []
    text = refused(who.list_users)[2]
    assert text == (
        f"User: arn:aws:iam::{ACCOUNT}:user/a is not authorized to perform: iam:ListUsers"
        f" on resource: arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action"
    )
