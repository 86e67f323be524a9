"""Rolecall's world for the bench: a user, a role that it may assume, and buckets that the role may use."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.loader import Loader
from bench.servers import ACCOUNT
from bench.signing import REGION, Key
from bench.workload import BUCKETS, LISTED, ROLE, World, fill

_MAY_ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
_MAY_USE = [
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}{end}" for bucket in BUCKETS for end in ("", "/*")],
    },
    {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::*/secret/*",
        "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "security"}},
    },
]


def client(address: str, service: str, key: Key) -> Any:
    """Return a boto3 client that does not retry."""
    return boto3.client(
        service,
        endpoint_url=f"http://{address}",
        region_name=REGION,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token or None,
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            signature_version="v4" if service != "s3" else "s3v4",
            read_timeout=30,
        ),
    )


def document(*statements: object) -> str:
    """Return a policy of some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def session_of(address: str, caller: Key, role: str = ROLE) -> Key:
    """Assume the role and return the session's credentials."""
    given = client(address, "sts", caller).assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def root_key(data: Path) -> Key:
    """Return the root user's key of a data folder."""
    written = configparser.ConfigParser()
    written.read(data / "root-credentials")
    section = written[written.sections()[0]]
    return Key(section["aws_access_key_id"], section["aws_secret_access_key"])


def rolecall_world(address: str, data: Path, bodies: Path, *, listed: int = LISTED) -> World:
    """Make the world on a fresh Rolecall."""
    root = root_key(data)
    iam, buckets = client(address, "iam", root), client(address, "s3", root)
    user = iam.create_user(UserName="bench")["User"]["Arn"]
    iam.put_user_policy(UserName="bench", PolicyName="assume", PolicyDocument=document(_MAY_ASSUME))
    trust = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="bench", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName="bench", PolicyName="use", PolicyDocument=document(*_MAY_USE))
    for bucket in BUCKETS:
        buckets.create_bucket(Bucket=bucket)
    made = iam.create_access_key(UserName="bench")["AccessKey"]
    caller = Key(made["AccessKeyId"], made["SecretAccessKey"])
    world = World(address, caller, session_of(address, caller), bodies, listed=listed)
    fill(world)
    with Loader(data, ACCOUNT) as loader:
        loader.objects("many", listed, size=100)
        loader.objects("doomed", world.doomed * 1000, size=100)
    return world
