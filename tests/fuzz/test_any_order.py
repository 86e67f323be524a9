"""No input and no order of inputs brings the server down, or a secret into what it writes down."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from secrets import randbits

import pytest
from tests import soaking
from tests.fuzz.any_order import UNBUILT, AnyOrder

STEPS = 400


def hold(asking: AnyOrder, steps: int) -> Counter[int]:
    """Ask for so many things; return how often which status came."""
    statuses: Counter[int] = Counter()
    for _ in range(steps):
        answered = asking.step()
        assert answered.status < 500 or answered.status == UNBUILT, str(answered)
        statuses[answered.status] += 1
    return statuses


def no_secret_in(text: str, asking: AnyOrder) -> None:
    """Fail where a secret that was given out or signed with stands in `text`."""
    assert [secret for secret in asking.secrets if secret in text] == []


@pytest.mark.parametrize("seed", range(4))
def test_any_operation_after_any_other_is_answered_and_no_secret_is_written_down(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """CVE-2018-16889, GHSA-r54g-49rx-98cr, GHSA-8cm2-h255-v749: keys in logs."""
    caplog.set_level(logging.DEBUG)
    asking = AnyOrder(tmp_path, seed)
    try:
        statuses = hold(asking, STEPS)
        assert statuses[200] > 0
        no_secret_in(caplog.text, asking)
        no_secret_in(asking.told(), asking)
    finally:
        asking.close()


@pytest.mark.soak
def test_an_hour_of_anything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for turn in soaking.turns(minutes=8, what="orders of 2,000 requests"):
        seed = randbits(32)
        folder = tmp_path / str(turn)
        folder.mkdir()
        asking = AnyOrder(folder, seed)
        try:
            hold(asking, 2000)
            no_secret_in(caplog.text, asking)
            no_secret_in(asking.told(), asking)
        except AssertionError:
            soaking.progress(f"found with seed {seed}")
            raise
        finally:
            asking.close()
