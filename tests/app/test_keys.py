"""`rolecall keys` and `rolecall sessions` beside a server that goes on serving: it hears of everything at its next request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.serving import ACCOUNT, Credentials, Server, serving

from rolecall import cli
from rolecall.directory.credentials import secret_of
from rolecall.store.interface import StoreUnavailable
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import Inspection


def rolecall(*words: object) -> str:
    command = [sys.executable, "-m", "rolecall.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*words: object) -> str:
    command = [sys.executable, "-m", "rolecall.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    return done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("keys") / "data"
    with serving(data, "--account", ACCOUNT, "--tutorial", workers=2) as server:
        yield server


def works(server: Server, who: Credentials) -> None:
    for _ in range(4):  # whichever worker is asked
        server.client("sts", who).get_caller_identity()


def fails(server: Server, who: Credentials, code: str) -> None:
    for _ in range(4):
        with pytest.raises(ClientError) as caught:
            server.client("sts", who).get_caller_identity()
        assert caught.value.response["Error"]["Code"] == code


def session(server: Server, who: Credentials) -> Credentials:
    return Credentials.of(server.client("sts", who).get_session_token()["Credentials"])


def test_a_new_master_key_seals_everything_while_the_server_works(server: Server, tmp_path: Path) -> None:
    keyring = server.data / "keyring"
    before = tmp_path / "keyring-before"
    before.write_bytes(keyring.read_bytes())
    before.chmod(0o600)
    alive = session(server, server.learner)
    known = len(MasterKeys.load(keyring).ids)
    count = int(rolecall("keys", "rotate-master", "--data", server.data).split()[0])
    assert count >= 3  # root, the learner, a session key
    assert len(MasterKeys.load(keyring).ids) == known + 1
    for who in (server.root, server.learner, alive):
        works(server, who)
    fresh = server.user("fresh")
    works(server, fresh)
    assert rolecall("keys", "rotate-master", "--forget-old", "--data", server.data)
    newest = MasterKeys.load(keyring)
    assert len(newest.ids) == 1
    for who in (server.root, server.learner, alive, fresh):
        works(server, who)
    later = server.user("later")
    works(server, later)
    with closing(Inspection(server.data / "rolecall.db", master_keys=newest)) as store, store.view() as view:
        for who in (server.root, server.learner, fresh, later):
            assert secret_of(view, who.access_key_id) == who.secret_access_key
    old = MasterKeys.load(before)
    with closing(Inspection(server.data / "rolecall.db", master_keys=old)) as store, store.view() as view:
        for who in (server.root, later):
            with pytest.raises(StoreUnavailable, match="not in the keyring"):
                secret_of(view, who.access_key_id)
    rolecall("doctor", "--data", server.data)


def test_a_backup_from_before_opens_with_the_keyring_from_before(server: Server, tmp_path: Path) -> None:
    backup = rolecall("backup", tmp_path / "backups", "--data", server.data).partition(": account")[0]
    (tmp_path / "keyring-copy").write_bytes((server.data / "keyring").read_bytes())
    (tmp_path / "keyring-copy").chmod(0o600)
    rolecall("keys", "rotate-master", "--data", server.data)
    rolecall("restore", backup, "--data", tmp_path / "both", "--keyring", server.data / "keyring")
    rolecall("keys", "rotate-master", "--forget-old", "--data", server.data)
    said = refused("restore", backup, "--data", tmp_path / "new", "--keyring", server.data / "keyring")
    assert "does not belong to this store" in said
    rolecall("restore", backup, "--data", tmp_path / "old", "--keyring", tmp_path / "keyring-copy")


def test_no_key_is_shown(server: Server) -> None:
    keyring = json.loads((server.data / "keyring").read_text())
    shown = rolecall("keys", "show", "--data", server.data)
    assert keyring["keys"][0]["id"] in shown
    assert keyring["keys"][0]["key"] not in shown
    assert [line.split()[:2] for line in shown.splitlines() if " seals" in line] == [
        ["master", "key"],
        ["session", "key"],
    ]


def test_new_session_keys_leave_sessions_alive_unless_all_are_to_end(server: Server) -> None:
    alive = session(server, server.learner)
    rolecall("keys", "rotate-sessions", "--data", server.data)
    works(server, alive)
    works(server, session(server, server.learner))
    rolecall("keys", "rotate-sessions", "--end-all", "--data", server.data)
    fails(server, alive, "InvalidClientTokenId")
    works(server, session(server, server.learner))
    works(server, server.learner)


def test_one_session_is_ended_by_its_access_key_id_and_no_other(server: Server) -> None:
    dead, alive = session(server, server.learner), session(server, server.learner)
    works(server, dead)
    assert dead.access_key_id not in rolecall("sessions", "revoked", "--data", server.data)
    rolecall("sessions", "revoke", dead.access_key_id, "--data", server.data)
    fails(server, dead, "InvalidClientTokenId")
    works(server, alive)
    works(server, server.learner)
    assert dead.access_key_id in rolecall("sessions", "revoked", "--data", server.data)
    rolecall("keys", "new-epoch", "--data", server.data)
    fails(server, dead, "InvalidClientTokenId")
    works(server, alive)


def test_what_is_no_session_is_not_revoked_nor_what_is_named_with_it(server: Server) -> None:
    alive = session(server, server.learner)
    for written in ("AKIAIOSFODNN7EXAMPLE", "ASIA", "*"):
        said = refused("sessions", "revoke", alive.access_key_id, written, "--data", server.data)
        assert f"`{written}` is no access key id of a session" in said
    works(server, alive)


def test_commands_on_no_data_folder_say_so(tmp_path: Path) -> None:
    for words in (("keys", "show"), ("sessions", "revoked"), ("backup", tmp_path / "target")):
        assert "is not a data folder of Rolecall" in refused(*words, "--data", tmp_path)


@pytest.mark.parametrize(
    "words", [("keys", "rotate-master"), ("sessions", "revoked"), ("root", "rotate-key"), ("doctor", "--repair")]
)
def test_no_other_user_writes_into_a_folder_for_its_server_could_not_read_that(
    words: tuple[str, ...], server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (server.data / "keyring").read_bytes()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cli.main([*words, "--data", str(server.data)]) == 2
    assert "run this as that user" in capsys.readouterr().err
    assert (server.data / "keyring").read_bytes() == before
