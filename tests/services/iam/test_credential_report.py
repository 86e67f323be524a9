from __future__ import annotations

import csv
from typing import Any

from tests.services.iam.account import ACCOUNT, ServedAccount
from tests.services.iam.refused import refused


def test_a_report_is_made_before_it_is_read(iam: Any) -> None:
    assert refused(iam.get_credential_report)[:2] == ("ReportNotPresent", 410)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert iam.get_credential_report()["ReportFormat"] == "text/csv"


def test_a_report_tells_everybodys_credentials(account: ServedAccount, iam: Any) -> None:
    account.user("with,comma")
    iam.create_user(UserName="plain")
    iam.create_login_profile(UserName="plain", Password="correct-Horse-1")
    iam.update_access_key(
        UserName="with,comma",
        AccessKeyId=iam.list_access_keys(UserName="with,comma")["AccessKeyMetadata"][0]["AccessKeyId"],
        Status="Inactive",
    )
    iam.generate_credential_report()
    rows = list(csv.DictReader(iam.get_credential_report()["Content"].decode().splitlines()))
    assert [row["user"] for row in rows] == ["<root_account>", "plain", "with,comma"]
    root, plain, other = rows
    assert (root["arn"], root["access_key_1_active"], root["password_enabled"]) == (
        f"arn:aws:iam::{ACCOUNT}:root", "true", "not_supported",
    )  # fmt: skip
    assert (plain["password_enabled"], plain["mfa_active"], plain["access_key_1_active"]) == ("true", "false", "false")
    assert (other["password_enabled"], other["password_last_changed"]) == ("false", "N/A")
    assert (other["access_key_1_active"], other["access_key_1_last_used_service"]) == ("false", "N/A")
    assert all(None not in row and None not in row.values() for row in rows)
