"""What docs/guide/operating.md tells an operator to type works as it stands, beside a running server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.requirements import tool
from tests.serving import ACCOUNT, Credentials, serving

PAGE = Path(__file__).parent.parent.parent / "docs" / "guide" / "operating.md"
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_every_command_of_the_page_runs_and_the_role_policy_ends_older_sessions(tmp_path: Path) -> None:
    assert len(BLOCKS) == 6
    (tmp_path / "safe").mkdir()
    with serving(tmp_path / "data", "--account", ACCOUNT, "--tutorial") as server:
        role = server.client("iam")
        trust = (
            f'{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "sts:AssumeRole"}}}}'
        )
        role.update_assume_role_policy(RoleName="S3_Full_Access", PolicyDocument=trust)
        user = server.user("someone", '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}')
        arn = f"arn:aws:iam::{ACCOUNT}:role/S3_Full_Access"
        answer = server.client("sts", user).assume_role(RoleArn=arn, RoleSessionName="older")
        session = Credentials.of(answer["Credentials"])
        server.client("s3", session).list_buckets()
        environment = server.environment(tmp_path, server.root) | {
            "DATA": str(server.data),
            "BACKUPS": str(tmp_path / "backups"),
            "SAFE": str(tmp_path / "safe"),
            "PATH": f"{Path(sys.executable).parent}:{tool('aws').parent}:{os.environ['PATH']}",
        }
        for block in BLOCKS:
            command = ["bash", "-euo", "pipefail", "-c", block]
            done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, (block, done.stderr)
        for _ in range(4):
            with pytest.raises(ClientError, match="AccessDenied"):
                server.client("s3", session).list_buckets()
    assert (tmp_path / "data-restored" / "rolecall.db").exists()
