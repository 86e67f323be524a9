"""A server under everything for an hour: nothing lost, no failure, memory flat, no secret written anywhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import soaking
from tests.reliability import mix, storms
from tests.reliability.asking import Answer, Asked, Key, assume, complete, iam, policy, s3, sts
from tests.reliability.ledger import Ledger
from tests.reliability.over_http import Connection, workers
from tests.reliability.watching import MIB, Memory, Secrets, growth
from tests.serving import ACCOUNT, Server, serving

from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail.segments import events_in

MINUTES = 52
SESSIONS = 100_000
PART = 64 * MIB
PAUSE = 0.05


def test_a_secret_in_a_log_is_found() -> None:
    secret, token = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzE" * 9
    secrets = Secrets([Key("AKIA", secret), Key("ASIA", secret[::-1], token)])
    assert secrets.leaked(f"the key is {secret}.")
    assert secrets.leaked("X-Amz-Security-Token=" + token.replace("Z", "%5A"))
    assert secrets.leaked(f"{token[:60]}...")
    assert not secrets.leaked(f"{secret[:20]} and {'a' * 64}")


def test_memory_that_grows_is_told_from_memory_that_is_used() -> None:
    used = [(float(second), 80 * MIB + second % 7 * MIB) for second in range(600)]
    filling = [(float(second), min(60 + second, 110) * MIB) for second in range(600)]
    growing = [(moment, size + int(moment) * MIB // 20) for moment, size in used]
    assert abs(growth(used)) < MIB
    assert growth(filling) < MIB
    assert growth(growing) > 16 * MIB


class Endurance:
    """A server that is kept busy, and what is known of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ledger = Ledger()
        self.keys: dict[str, Key] = {}
        self.memory = Memory()
        self.ask = Connection(server).ask
        self.actor = mix.prepare(self.ask)
        self.sessions: list[Key] = []
        self.issued = 0
        trust = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="")
        assert self.ask(iam("CreateRole", RoleName="open", AssumeRolePolicyDocument=trust)).is_success
        allowed = iam("PutRolePolicy", RoleName="open", PolicyName="all", PolicyDocument=policy(1))
        assert self.ask(allowed).is_success

    def issue(self, over: threading.Event, wanted: int, seconds: float) -> None:
        """Issue so many sessions, spread over the time, use every hundredth, and keep that."""
        ask = Connection(self.server).ask
        begun = time.monotonic()
        while self.issued < wanted and not over.is_set():
            answer = ask(assume("open", self.actor, f"session-{self.issued}"))
            assert answer.is_success, answer
            if self.issued % 100 == 0:
                self.sessions.append(answer.credentials)
                seen = ask(s3("GET", mix.PLAIN, query={"list-type": "2", "max-keys": "1"}, who=answer.credentials))
                assert seen.is_success, seen
                self.be_rude(ask, answer.credentials)
            self.issued += 1
            ahead = self.issued / wanted * seconds - (time.monotonic() - begun)
            if ahead > 0.05:
                over.wait(ahead)

    def be_rude(self, ask: Callable[[Asked], Answer], key: Key) -> None:
        """Ask for what is refused, with secrets where they should not be: whatever is logged of it is searched."""
        wrong = Key(key.access_key_id, key.secret[::-1], key.token)
        for asked, code in (
            (s3("GET", mix.PLAIN, who=wrong), "SignatureDoesNotMatch"),
            (
                s3("PUT", mix.PLAIN, query={"tagging": ""}, body=f"<Tagging>{key.token}".encode(), who=key),
                "MalformedXML",
            ),
            (iam("CreateUser", SecretAccessKey=key.secret, who=key), "AccessDenied"),
            (sts("GetCallerIdentity", Key(key.access_key_id, key.secret, f"{key.token}A")), "InvalidClientTokenId"),
        ):
            answer = ask(asked)
            assert answer.code in {code, "ValidationError"}, (code, answer)

    def carry(self, size: int) -> None:
        """Send an object of so many bytes and fetch it again, in pieces, and see that it is the same."""
        whole = hashlib.sha256()
        upload = self.ask(s3("POST", mix.PLAIN, "huge", {"uploads": ""})).text("UploadId")
        etags = []
        for number in range(1, size // PART + 1):
            body = hashlib.shake_128(b"%d" % number).digest(4096) * (PART // 4096)
            whole.update(body)
            sent = self.ask(s3("PUT", mix.PLAIN, "huge", {"partNumber": str(number), "uploadId": upload}, body))
            assert sent.is_success, sent
            etags.append(sent.headers["etag"])
        assert self.ask(complete(mix.PLAIN, "huge", upload, etags)).is_success
        assert self.fetched(s3("GET", mix.PLAIN, "huge")) == (size, whole.hexdigest())
        assert self.ask(s3("DELETE", mix.PLAIN, "huge")).is_success

    def fetched(self, asked: Asked) -> tuple[int, str]:
        """Return size and digest of an answer's body, of which no more than a piece is held."""
        connection = Connection(self.server)
        answer = connection.begin(asked)
        digest, size = hashlib.sha256(), 0
        while piece := answer.read(MIB):
            digest.update(piece)
            size += len(piece)
        connection.close()
        return size, digest.hexdigest()


def size_of_the_huge(folder: Path) -> int:
    """Return how large the huge object is to be: 5 GiB in an hour, and no more than a third of what is free."""
    wanted = min(soaking.count(5120, at_least=256), 5120) * MIB
    return min(wanted, shutil.disk_usage(folder).free // 3) // PART * PART


@pytest.mark.soak
def test_an_hour_of_everything(tmp_path: Path) -> None:
    log = tmp_path / "log"
    paths = [str(Path(__file__).parent / "loud"), os.environ.get("PYTHONPATH", "")]
    loud = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with serving(tmp_path / "data", "--account", ACCOUNT, sync=True, log=log, environment=loud) as server:
        one = Endurance(server)
        first = set(workers(server))
        lasts = soaking.seconds(MINUTES, at_least=20)
        over, troubles = threading.Event(), list[BaseException]()

        def watched(act: object, *arguments: object) -> None:
            try:
                act(*arguments)  # type: ignore[operator]
            except BaseException as trouble:
                troubles.append(trouble)

        acts = [
            threading.Thread(target=watched, args=(one.issue, over, soaking.count(SESSIONS), lasts * 0.9)),
            threading.Thread(target=watched, args=(one.carry, size_of_the_huge(tmp_path))),
        ]
        makers = storms.for_an_hour(one.actor, one.keys)
        with one.memory.sampled(server), storms.storm(server, one.ledger, makers, "hour", pause=PAUSE) as storm:
            for act in acts:
                act.start()
            for second in soaking.turns(minutes=MINUTES, what="endurance, seconds", at_least=20):
                time.sleep(1)
                assert not storm.trouble, storm.trouble
                assert not troubles, troubles
                if second % 60 == 59:
                    soaking.progress(f"{one.memory.told()}; {one.issued} sessions, {one.ledger.acknowledged} changes")
            over.set()
            for act in acts:
                act.join(600)
        assert troubles == []
        assert one.issued >= soaking.count(SESSIONS)
        assert (one.ledger.refused, one.ledger.doubtful) == ([], 0)
        assert set(workers(server)) == first, "a worker was replaced"
        assert storms.wrong_now(server, one.ledger, one.keys, everything=True) == []
        soaking.progress(f"{one.memory.told()}; {one.issued} sessions, {one.ledger.acknowledged} changes, nothing lost")
        assert one.memory.wrong() == []
        root = server.root
    used = [*one.keys.values(), *one.sessions, one.actor, Key(root.access_key_id, root.secret_access_key)]
    secrets = Secrets(used)
    for written in (log, *(tmp_path / "data").glob("*.db*")):
        assert secrets.leaked_into(written) == []
    count = leaks_in_trail(tmp_path / "data", secrets)
    soaking.progress(f"no secret of {len(used)} keys in {log.stat().st_size} bytes of log and {count} events")


def leaks_in_trail(data: Path, secrets: Secrets) -> int:
    """Search every event of the trail; return how many there are."""
    store = SqliteStore(data / "trail.db", master_keys=MasterKeys.load(data / "keyring"), sync=False)
    count = 0
    try:
        for entry in store.long_scan(pack("segment")):
            for event in events_in(entry.value):
                count += 1
                assert secrets.leaked(event.record) == [], event.name
    finally:
        store.close()
    return count
