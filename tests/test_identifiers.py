"""Names and ids: what AWS takes for one."""

from __future__ import annotations

import pytest

from rolecall.identifiers import is_bucket_name


@pytest.mark.parametrize("name", ["abc", "a.b-c.d9", "0-9", "a" * 63, "a--b", "my.bucket.of.2026"])
def test_a_bucket_name_is_labels_of_letters_digits_and_hyphens(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "ab", "a" * 64, "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "foo.-bar", "foo-.bar", "192.168.5.4",
        "xn--abc", "sthree-abc", "amzn-s3-demo-abc", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3", "abc\n",
    ],
)  # fmt: skip
def test_a_bucket_name_that_could_not_be_a_host_name_or_is_reserved_is_none(name: str) -> None:
    """A hyphen beside a period ends or begins a label with it, which no host name may do."""
    assert not is_bucket_name(name)
