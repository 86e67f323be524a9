"""A directory with one account and a few entities."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rolecall.directory.accounts import Account, put_account
from rolecall.directory.principals import Group, Role, User
from rolecall.identifiers import new_unique_id
from rolecall.store.sqlite import SqliteStore

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_user(name: str, path: str = "/", account: str = ACCOUNT) -> User:
    return User(account=account, name=name, path=path, created=NOW, user_id=new_unique_id("AIDA", account))


def a_group(name: str) -> Group:
    return Group(account=ACCOUNT, name=name, created=NOW, group_id=new_unique_id("AGPA", ACCOUNT))


def a_role(name: str, path: str = "/") -> Role:
    return Role(
        account=ACCOUNT,
        name=name,
        path=path,
        created=NOW,
        role_id=new_unique_id("AROA", ACCOUNT),
        trust='{"Statement":[]}',
    )


@pytest.fixture
def directory(store: SqliteStore) -> SqliteStore:
    """A store that holds the account."""
    store.write_now(
        lambda transaction: put_account(transaction, Account(account_id=ACCOUNT, created=NOW, canonical_id="ab" * 32))
    )
    return store
