"""Real file systems that fill up, become read-only, or lose what was not synced. Needs root; elsewhere it says so."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import soaking
from tests.reliability import mix, storms
from tests.reliability.asking import Answer, Asked, Key, assume, content, iam, policy, s3
from tests.reliability.ledger import Ledger
from tests.reliability.over_http import Connection
from tests.serving import ACCOUNT, Server, serving

pytestmark = pytest.mark.soak

SHUTDOWN, WITHOUT_THE_JOURNAL = 0x8004587D, 2
"""FS_IOC_SHUTDOWN of ext4 and XFS: from now on nothing reaches the disk, not even what the journal holds."""

CHANGES: tuple[Asked, ...] = (
    s3("PUT", mix.PLAIN, "small", body=content("small", 2, mix.SMALL)),
    s3("PUT", mix.PLAIN, "large", body=content("large", 2, 3_000_000)),
    s3("DELETE", mix.PLAIN, "small"),
    iam("CreateUser", UserName="new"),
)


def run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=60)


def _unmount(at: Path) -> None:
    """Unmount, once the last killed worker has let go of its files."""
    for _ in range(100):
        if subprocess.run(["umount", str(at)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    run("umount", at)


@contextmanager
def mounted(*options: object, at: Path) -> Iterator[None]:
    """Mount for as long as the block runs."""
    at.mkdir(exist_ok=True)
    run("mount", *options, at)
    try:
        yield
    finally:
        _unmount(at)


def is_at_hand(command: str, what: Callable[[], None]) -> bool:
    """Tell whether `what` can be done here; where it cannot, say that a part is left out."""
    try:
        what()
    except (OSError, subprocess.SubprocessError) as error:
        soaking.progress(f"left out, for {command} is not to be had here: {error}")
        return False
    return True


def an_ext4(tmp_path: Path, megabytes: int) -> Path | None:
    """Return an image with an empty ext4 in it, or None where there is no way to mount it."""
    image, at = tmp_path / "image", tmp_path / "mount"

    def trying() -> None:
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", image)
        with mounted("-o", "loop", image, at=at):
            pass

    return image if is_at_hand("an ext4 of one's own", trying) else None


@contextmanager
def a_server(data: Path) -> Iterator[tuple[Server, Callable[[Asked], Answer], Key]]:
    with serving(data, "--account", ACCOUNT, sync=True) as server:
        ask = Connection(server).ask
        actor = mix.prepare(ask)
        trust = policy(1, principal=mix.ROOT, action="sts:AssumeRole", resource="")
        for asked in (
            s3("PUT", mix.PLAIN, "small", body=content("small", 1, mix.SMALL)),
            s3("PUT", mix.PLAIN, "large", body=content("large", 1, 3_000_000)),
            iam("CreateRole", RoleName="open", AssumeRolePolicyDocument=trust),
        ):
            assert ask(asked).is_success
        yield server, ask, actor


def values(ask: Callable[[Asked], Answer]) -> tuple[str, str, str, list[str]]:
    """Return small, large, user, and the listing, as they are seen."""
    found = [
        mix.ask_value(subject, {}, ask) for subject in (("object", mix.PLAIN, "small"), ("object", mix.PLAIN, "large"))
    ]
    return found[0], found[1], mix.ask_value(("user", "new"), {}, ask), sorted(mix.all_keys(mix.PLAIN, ask))


BEFORE = ("1", "1", "gone", ["large", "small"])
TIMES_FULL = 4
"""Blobs that were replaced stay for a quarter of an hour, so there is room for so many."""
AFTER = ("gone", "2", "there", ["large"])


def test_a_full_disk_refuses_changes_and_recovers_without_a_restart(tmp_path: Path) -> None:
    at = tmp_path / "mount"
    with contextlib.ExitStack() as stack:
        if not is_at_hand(
            "tmpfs", lambda: stack.enter_context(mounted("-t", "tmpfs", "-o", "size=64m", "tmpfs", at=at))
        ):
            return
        server, ask, actor = stack.enter_context(a_server(at / "data"))
        for _ in range(TIMES_FULL):
            _fill(at / "filler")
            for asked in CHANGES:
                answer = ask(asked)
                assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
                assert "the disk is full" in answer.text("Message")
            assert values(ask) == BEFORE
            assert ask(assume("open", actor)).is_success
            (at / "filler").unlink()
            assert {ask(asked).status // 100 for asked in CHANGES} == {2}
            assert values(ask) == AFTER
            for asked in (
                iam("DeleteUser", UserName="new"),
                s3("PUT", mix.PLAIN, "small", body=content("small", 1, mix.SMALL)),
                s3("PUT", mix.PLAIN, "large", body=content("large", 1, 3_000_000)),
            ):
                assert ask(asked).is_success
        assert server.process.poll() is None
    soaking.progress("full disk: refused with 503, read on, and recovered without a restart")


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_disk_that_became_read_only_refuses_changes_and_reads_on(tmp_path: Path) -> None:
    image, at = an_ext4(tmp_path, 100), tmp_path / "mount"
    if image is None:
        return
    with mounted("-o", "loop", image, at=at), a_server(at / "data") as (_, ask, actor):
        run("mount", "-o", "remount,abort", at)  # as ext4 does by itself after a fault
        for asked in CHANGES:
            answer = ask(asked)
            assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
            assert "read-only" in answer.text("Message").lower() or "input/output" in answer.text("Message").lower()
        assert values(ask) == BEFORE
        assert ask(assume("open", actor)).is_success
    with mounted("-o", "loop", image, at=at), serving(at / "data", sync=True) as server:
        ask = Connection(server).ask
        assert values(ask) == BEFORE
        assert {ask(asked).status // 100 for asked in CHANGES} == {2}
        assert values(ask) == AFTER
    soaking.progress("read-only disk: refused with 503, read on, whole after the next mount")


def test_nothing_acknowledged_is_lost_when_a_file_system_loses_what_was_not_synced(tmp_path: Path) -> None:
    image, at = an_ext4(tmp_path, 6000), tmp_path / "mount"
    if image is None:
        return
    ledger, keys, chance = Ledger(), dict[str, Key](), random.Random(5)
    actor: Key | None = None
    losses = soaking.count(20, at_least=3)
    for loss in range(losses):
        with mounted("-o", "loop", image, at=at):
            with serving(at / "data", "--account", ACCOUNT, sync=True) as server:
                actor = actor or mix.prepare(Connection(server).ask)
                assert storms.wrong_now(server, ledger, keys, everything=True) == []
                with storms.storm(server, ledger, storms.everything(actor, keys), f"loss-{loss}"):
                    time.sleep(chance.uniform(0.5, 3))
                    folder = os.open(at, os.O_RDONLY)
                    fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_THE_JOURNAL))
                    os.close(folder)
                    os.killpg(server.process.pid, signal.SIGKILL)
                    server.process.wait(30)
            ledger.refused.clear()  # what was refused between the loss and the kill
        soaking.progress(
            f"loss of what was not synced: {loss + 1} of {losses} on a real ext4; {ledger.acknowledged} acknowledged,"
            f" {ledger.doubtful} in doubt, nothing lost"
        )
    with mounted("-o", "loop", image, at=at), serving(at / "data", sync=True) as server:
        assert storms.wrong_now(server, ledger, keys, everything=True) == []
