"""Every reader of strangers' bytes, under bytes that are nearly right. The hour of it is test_hour.py's."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, Target, run_all

EXAMPLES = 150

targets = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


@targets
def test_what_was_found_once_is_not_found_again(target: Target) -> None:
    run_all(target)


@targets
def test_nearly_right_bytes_are_read_or_refused(target: Target) -> None:
    @given(seed=st.sampled_from([*target.seeds, *target.kept()]), random=st.randoms(use_true_random=False))
    @settings(max_examples=EXAMPLES, deadline=None)
    def holds(seed: bytes, random: Random) -> None:
        target.run(mutated(seed, target.words, random))

    holds()
