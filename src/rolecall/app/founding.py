"""A first start: the account, the root user's key, the session keys, and the tutorial's world where it is asked for.

Nothing is a known default: ids and keys are drawn. A key's file is written before the transaction that makes the key
valid, so that a start which is cut short is simply begun again.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from rolecall.app.folder import ROOT_CREDENTIALS, TUTORIAL_CREDENTIALS, DataFolder
from rolecall.buckets.bucket import Bucket, create_bucket
from rolecall.clock import SystemClock
from rolecall.config import Settings, UnsafeSettings
from rolecall.directory.accounts import Account, account, put_account
from rolecall.directory.credentials import AccessKey, create_access_key, delete_access_key, keys_of
from rolecall.directory.policies import attach
from rolecall.directory.principals import Role, User, create_role, create_user, user_named
from rolecall.directory.sessions import ensure_session_keys
from rolecall.identifiers import new_access_key_id, new_account_id, new_secret_key, new_unique_id
from rolecall.store.interface import Store, Transaction
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

LEARNER = "aws_cli_test"
KEEPER = "s3_administrator"
ROLE = "S3_Full_Access"
BUCKET = "a.demo.bucket"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


def found(folder: DataFolder, settings: Settings) -> list[str]:
    """Bring the data folder to life where it is new, and return what a person should hear of it.

    Raises UnsafeSettings where the folder is another account's or has no tutorial, FolderRefused where something of it
    is gone, StoreError where it does not open.
    """
    folder.refuse_if_robbed()
    keys = MasterKeys.load(folder.keyring) if folder.keyring.exists() else MasterKeys.create(folder.keyring)
    store = SqliteStore(folder.store, master_keys=keys, sync=settings.sync)
    try:
        with store.view() as view:
            known = account(view)
            has_tutorial = known is not None and user_named(view, known.account_id, LEARNER) is not None
        if known is None:
            return _begin(folder, settings, store)
    finally:
        store.close()
    if settings.account not in {None, known.account_id}:
        raise UnsafeSettings(f"`{folder.path}` belongs to account {known.account_id}, not {settings.account}.")
    if settings.tutorial and not has_tutorial:
        raise UnsafeSettings(f"`{folder.path}` was begun without --tutorial; give the tutorial a folder of its own.")
    return []


def rotate_root_key(folder: DataFolder, settings: Settings) -> str:
    """Replace every key of the root user by a new one, write its file, and return its id.

    Raises StoreError where the folder cannot be opened, UnsafeSettings where it holds no account.
    """
    keys = MasterKeys.load(folder.keyring)
    store = SqliteStore(folder.store, master_keys=keys, sync=settings.sync, migrate=False)
    now = SystemClock().now()
    try:
        with store.view() as view:
            known = account(view)
        if known is None:
            raise UnsafeSettings(f"`{folder.path}` holds no account yet; `rolecall serve` makes one.")
        access_key_id, secret = new_access_key_id("AKIA", known.account_id), new_secret_key()
        folder.write_credentials(ROOT_CREDENTIALS, "root", access_key_id, secret)

        def replace(transaction: Transaction) -> None:
            for old in keys_of(transaction, known.account_id, None):
                delete_access_key(transaction, old)
            _add_key(transaction, known.account_id, None, access_key_id, secret, now)

        store.write_now(replace)
    finally:
        store.close()
    return access_key_id


def _begin(folder: DataFolder, settings: Settings, store: Store) -> list[str]:
    now = SystemClock().now()
    account_id = settings.account or new_account_id()
    root = (new_access_key_id("AKIA", account_id), new_secret_key())
    learner = (new_access_key_id("AKIA", account_id), new_secret_key())
    path = folder.write_credentials(ROOT_CREDENTIALS, "root", *root)
    said = [f"account {account_id}; the root user's key is in {path}"]
    if settings.tutorial:
        path = folder.write_credentials(TUTORIAL_CREDENTIALS, LEARNER, *learner)
        said.append(f"the key of {LEARNER} is in {path}")

    def begin(transaction: Transaction) -> None:
        put_account(transaction, Account(account_id=account_id, created=now, canonical_id=secrets.token_hex(32)))
        ensure_session_keys(transaction, now)
        _add_key(transaction, account_id, None, *root, now)
        if settings.tutorial:
            _lay_out_tutorial(transaction, account_id, learner, now)

    store.write_now(begin)
    return said


def _lay_out_tutorial(transaction: Transaction, account_id: str, learner_key: tuple[str, str], now: datetime) -> None:
    learner = _add_user(transaction, account_id, LEARNER, now)
    attach(transaction, account_id, learner.user_id, READ_ONLY)
    _add_key(transaction, account_id, learner.user_id, *learner_key, now)
    keeper = _add_user(transaction, account_id, KEEPER, now)
    statement = {"Sid": "", "Effect": "Allow", "Principal": {"AWS": keeper.user_id}, "Action": "sts:AssumeRole"}
    role = Role(
        account=account_id,
        name=ROLE,
        created=now,
        role_id=new_unique_id("AROA", account_id),
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description="Full access to S3, for those whom its trust policy names.",
    )
    create_role(transaction, role)
    attach(transaction, account_id, role.role_id, FULL_ACCESS)
    create_bucket(transaction, Bucket(name=BUCKET, account=account_id, created=now))


def _add_user(transaction: Transaction, account_id: str, name: str, now: datetime) -> User:
    user = User(account=account_id, name=name, created=now, user_id=new_unique_id("AIDA", account_id))
    create_user(transaction, user)
    return user


def _add_key(
    transaction: Transaction, account_id: str, user_id: str | None, access_key_id: str, secret: str, now: datetime
) -> None:
    key = AccessKey(access_key_id=access_key_id, account=account_id, user_id=user_id, created=now)
    create_access_key(transaction, key, secret)
