from __future__ import annotations

from typing import Any

import pytest
from tests.services.iam.account import ACCOUNT, ServedAccount, allow, deny, document
from tests.services.iam.refused import refused

GOOD = "correct-Horse-1"


def test_a_login_profile_is_made_shown_changed_and_deleted(iam: Any) -> None:
    iam.create_user(UserName="a")
    text = "Login Profile for User a cannot be found."
    assert refused(iam.get_login_profile, UserName="a") == ("NoSuchEntity", 404, text)
    made = iam.create_login_profile(UserName="a", Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == ("a", True)
    assert refused(iam.create_login_profile, UserName="a", Password=GOOD) == (
        "EntityAlreadyExists", 409, "Login Profile for user a already exists.",
    )  # fmt: skip
    iam.update_login_profile(UserName="a", PasswordResetRequired=False)
    assert iam.get_login_profile(UserName="a")["LoginProfile"]["PasswordResetRequired"] is False
    said = refused(iam.delete_user, UserName="a")
    assert said == ("DeleteConflict", 409, "Cannot delete entity, must delete login profile first.")
    iam.delete_login_profile(UserName="a")
    assert refused(iam.delete_login_profile, UserName="a") == ("NoSuchEntity", 404, text)
    iam.delete_user(UserName="a")


@pytest.mark.parametrize("password", ["short-A1", "Sh0rt-a", "alllowercase", "lowercase1"])
def test_without_a_policy_a_password_is_held_to_the_default(iam: Any, password: str) -> None:
    iam.create_user(UserName="a")
    if password == "short-A1":
        iam.create_login_profile(UserName="a", Password=password)
    else:
        assert refused(iam.create_login_profile, UserName="a", Password=password)[:2] == (
            "PasswordPolicyViolation",
            400,
        )


def test_a_policy_is_held_to_in_all_it_says(iam: Any) -> None:
    iam.create_user(UserName="a")
    iam.update_account_password_policy(
        MinimumPasswordLength=10, RequireSymbols=True, RequireNumbers=True, RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True,
    )  # fmt: skip
    for password, text in {
        "aA1-": "Password should have a minimum length of 10",
        "aaaaaaaa1-": "Password should have at least one uppercase letter",
        "AAAAAAAA1-": "Password should have at least one lowercase letter",
        "AAAAaaaaa-": "Password should have at least one number",
        "AAAAaaaaa1": "Password should have at least one symbol",
    }.items():
        said = refused(iam.create_login_profile, UserName="a", Password=password)
        assert said == ("PasswordPolicyViolation", 400, text)
    iam.create_login_profile(UserName="a", Password="AAAAaaaa1-")


def test_a_password_is_not_used_again_while_the_policy_remembers(iam: Any) -> None:
    iam.update_account_password_policy(PasswordReusePrevention=2)
    iam.create_user(UserName="a")
    iam.create_login_profile(UserName="a", Password="password-1")
    iam.update_login_profile(UserName="a", Password="password-2")
    for used in ("password-1", "password-2"):
        assert refused(iam.update_login_profile, UserName="a", Password=used)[0] == "PasswordPolicyViolation"
    iam.update_login_profile(UserName="a", Password="password-3")
    iam.update_login_profile(UserName="a", Password="password-1")


def test_one_changes_ones_own_password_by_knowing_the_old_one(account: ServedAccount, iam: Any) -> None:
    who = account.client(who=account.user("a", allow("iam:ChangePassword", "arn:aws:iam::*:user/${aws:username}")))
    iam.create_login_profile(UserName="a", Password=GOOD, PasswordResetRequired=True)
    assert refused(who.change_password, OldPassword="wrong-One-1", NewPassword="another-One-1")[0] == "AccessDenied"
    who.change_password(OldPassword=GOOD, NewPassword="another-One-1")
    assert iam.get_login_profile(UserName="a")["LoginProfile"]["PasswordResetRequired"] is False
    assert refused(who.change_password, OldPassword=GOOD, NewPassword="third-One-1")[0] == "AccessDenied"


def test_the_password_policy_may_let_every_user_change_its_own_password_and_no_other(
    account: ServedAccount, iam: Any
) -> None:
    """`AllowUsersToChangePassword` gives users iam:ChangePassword on themselves and iam:GetAccountPasswordPolicy."""
    who = account.client(who=account.user("a"))
    iam.create_login_profile(UserName="a", Password=GOOD)
    iam.update_account_password_policy(MinimumPasswordLength=7)
    refusal = "is not authorized to perform: iam:ChangePassword on resource: user a because no identity-based policy"
    code, _, message = refused(who.change_password, OldPassword=GOOD, NewPassword="another-One-1")
    assert code == "AccessDenied"
    assert refusal in message
    assert refused(who.get_account_password_policy)[0] == "AccessDenied"
    iam.update_account_password_policy(MinimumPasswordLength=7, AllowUsersToChangePassword=True)
    assert who.get_account_password_policy()["PasswordPolicy"]["AllowUsersToChangePassword"] is True
    assert refused(who.get_login_profile)[0] == "AccessDenied"
    who.change_password(OldPassword=GOOD, NewPassword="another-One-1")
    iam.put_user_policy(UserName="a", PolicyName="p", PolicyDocument=document(deny("iam:ChangePassword")))
    code, _, message = refused(who.change_password, OldPassword="another-One-1", NewPassword="third-One-1")
    assert code == "AccessDenied"
    assert "with an explicit deny in an identity-based policy" in message


def test_the_password_policy_lets_users_with_a_path_change_their_own_password_and_no_other(
    account: ServedAccount, iam: Any
) -> None:
    """AWS's guide: "only their user"; a name is an account's only one, whatever the path."""
    who = account.client(who=account.user("b", Path="/division/a/"))
    account.user("a")
    for name in ("a", "b"):
        iam.create_login_profile(UserName=name, Password=GOOD)
    iam.update_account_password_policy(MinimumPasswordLength=7, AllowUsersToChangePassword=True)
    who.change_password(OldPassword=GOOD, NewPassword="another-One-1")
    assert refused(who.update_login_profile, UserName="a", Password="another-One-1")[0] == "AccessDenied"
    for user, granted in (("user/division/a/b", "allowed"), ("user/a", "implicitDeny"), ("user/b/a", "implicitDeny")):
        arn = f"arn:aws:iam::{ACCOUNT}:{user}"
        told = iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/division/a/b",
            ActionNames=["iam:ChangePassword"],
            ResourceArns=[arn],
        )["EvaluationResults"]
        assert (arn, told[0]["EvalDecision"]) == (arn, granted)


def test_a_password_lies_nowhere_in_clear(account: ServedAccount, iam: Any) -> None:
    """GHSA-8cm2-h255-v749: credentials where they can be read."""
    iam.create_user(UserName="a")
    iam.create_login_profile(UserName="a", Password=GOOD)
    assert all(GOOD.encode() not in entry.value for entry in account.store.long_scan(b""))
