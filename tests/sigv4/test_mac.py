"""HMAC with a key made ready is the HMAC of the standard library."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.sigv4.mac import Mac


@pytest.mark.parametrize("name", ["sha256", "sha512"])
@given(key=st.binary(max_size=200), messages=st.lists(st.binary(max_size=300), max_size=3))
def test_it_signs_any_number_of_messages_as_the_standard_library_does(
    name: str, key: bytes, messages: list[bytes]
) -> None:
    mac = Mac(key, name)
    assert [mac.digest(one) for one in messages] == [hmac.digest(key, one, name) for one in messages]
