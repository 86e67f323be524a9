"""The credential report: who has which credentials, how old they are and when they were used.

Columns: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rolecall.access.allowed import Allowed
from rolecall.directory.accounts import account as account_record
from rolecall.directory.credentials import AccessKey, keys_of
from rolecall.directory.devices import ROOT, devices_of
from rolecall.directory.passwords import login_profile
from rolecall.directory.principals import USERS, User
from rolecall.directory.reports import CredentialReport, credential_report, put_credential_report
from rolecall.directory.user_credentials import CERTIFICATES
from rolecall.directory.uses import last_use
from rolecall.identifiers import root_arn
from rolecall.message import ServiceError
from rolecall.services.iam.access import on_account
from rolecall.services.iam.table import operations
from rolecall.services.operation import NoParameters, Result
from rolecall.store.interface import Snapshot, Transaction

LIFE = timedelta(hours=4)
"""How long a report is given out before it has to be made anew."""

_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{column}" for number in (1, 2) for column in _KEY_COLUMNS),
    *(f"cert_{number}_{column}" for number in (1, 2) for column in ("active", "last_rotated")),
)
_NOTHING = "N/A"


@operations.write("GenerateCredentialReport", NoParameters, on_account("GenerateCredentialReport"))
def generate_credential_report(allowed: Allowed, parameters: NoParameters, transaction: Transaction) -> Result:
    """Make a report, unless there is one that is young enough."""
    del parameters
    account, now = allowed.caller.account, allowed.now.replace(microsecond=0)
    present = credential_report(transaction, account)
    if present is not None and present.made + LIFE > now:
        return {"state": "COMPLETE"}
    put_credential_report(transaction, account, CredentialReport(made=now, content=_report(transaction, account, now)))
    return {"state": "STARTED", "description": "No report exists. Starting a new report generation task"}


@operations.read("GetCredentialReport", NoParameters, on_account("GetCredentialReport"))
def get_credential_report(allowed: Allowed, parameters: NoParameters, view: Snapshot) -> Result:
    """Return the report that was made last, while it is young enough."""
    del parameters
    present = credential_report(view, allowed.caller.account)
    if present is None:
        raise ServiceError("ReportNotPresent", "No report exists. Use GenerateCredentialReport to make one.", 410)
    if present.made + LIFE <= allowed.now:
        raise ServiceError("ReportExpired", "The report has expired. Use GenerateCredentialReport to make one.", 410)
    return {"content": present.content, "report_format": "text/csv", "generated_time": present.made}


def _report(view: Snapshot, account: str, now: datetime) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerow(_root_row(view, account, now))
    for user in USERS.each(view, account):
        writer.writerow(_row(view, user))
    return text.getvalue().rstrip("\n").encode()


def _root_row(view: Snapshot, account: str, now: datetime) -> list[str]:
    record = account_record(view, account)
    return [
        "<root_account>",
        root_arn(account),
        _moment(record.created if record else now),
        "not_supported",
        "no_information",
        "not_supported",
        "not_supported",
        _said(bool(devices_of(view, account, ROOT))),
        *_keys(view, keys_of(view, account, None)),
        *_certificates(()),
    ]


def _row(view: Snapshot, user: User) -> list[str]:
    profile = login_profile(view, user.account, user.user_id)
    certificates = CERTIFICATES.of(view, user.account, user.user_id)
    return [
        user.name,
        user.arn,
        _moment(user.created),
        _said(profile is not None),
        "no_information" if profile else _NOTHING,
        _moment(profile.changed) if profile else _NOTHING,
        _rotation(view, user.account, profile.changed) if profile else _NOTHING,
        _said(bool(devices_of(view, user.account, user.user_id))),
        *_keys(view, keys_of(view, user.account, user.user_id)),
        *_certificates([(one.status == "Active", one.created) for one in certificates]),
    ]


def _rotation(view: Snapshot, account: str, changed: datetime) -> str:
    record = account_record(view, account)
    days = record.password_policy.max_password_age if record and record.password_policy else None
    return _NOTHING if days is None else _moment(changed + timedelta(days=days))


def _keys(view: Snapshot, keys: Sequence[AccessKey]) -> Iterator[str]:
    for key in keys[:2]:
        use = last_use(view, key.access_key_id)
        yield from (_said(key.status == "Active"), _moment(key.created))
        yield from (_moment(use.date), use.region, use.service) if use else (_NOTHING,) * 3
    for _ in range(2 - len(keys)):
        yield from ("false", *(_NOTHING,) * 4)


def _certificates(certificates: Sequence[tuple[bool, datetime]]) -> Iterator[str]:
    for active, created in certificates:
        yield from (_said(active), _moment(created))
    for _ in range(2 - len(certificates)):
        yield from ("false", _NOTHING)


def _said(fact: bool) -> str:
    return "true" if fact else "false"


def _moment(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()
