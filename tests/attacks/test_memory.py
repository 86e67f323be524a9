"""What is remembered by a text that strangers send is bounded in size, not in number alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sigv4.signer import Bytes

from rolecall.access import shown as shown_module
from rolecall.access.shown import shown
from rolecall.edge import head as head_module
from rolecall.edge.head import BadHead, Head
from rolecall.edge.origin import Origin, Proxies
from rolecall.identifiers import _parsed_arn, parse_arn
from rolecall.message import ServiceError
from rolecall.services.s3.copying import source_named
from rolecall.sigv4 import signature
from rolecall.sigv4.problem import SignatureProblem
from rolecall.sigv4.signature import parse_credential

MUCH = "x" * 300_000


def _credential() -> None:
    with pytest.raises(SignatureProblem) as refused:
        parse_credential(f"AKIA{MUCH}/20261124/us-east-1/s3/aws4_request")
    assert len(refused.value.readable["credential"]) < 1000


def _region() -> None:
    with pytest.raises(SignatureProblem):
        parse_credential(f"AKIA/20261124/{MUCH}/s3/aws4_request")


def _names() -> None:
    with pytest.raises(SignatureProblem):
        signature._signed_names(f"host;{MUCH}")


def _source() -> None:
    with pytest.raises(ServiceError):
        source_named(f"bucket/{MUCH}")


def _arn() -> None:
    found = parse_arn(f"arn:aws:s3:::bucket/{MUCH}")
    assert found is not None
    assert found.resource.endswith("xxx")


def _header() -> None:
    head = Head()
    head.line(MUCH.encode(), b"value")
    head.target = b"/"
    with pytest.raises(BadHead):
        head.request("GET", "1.1", Bytes(b""), Origin("192.0.2.1", None, Proxies(())))


def _name() -> None:
    assert len(str(shown({MUCH: "v"}))) < 2000


@pytest.mark.parametrize(
    ("send", "kept"),
    [
        (_credential, lambda: parse_credential.cache_info().currsize),
        (_region, lambda: parse_credential.cache_info().currsize),
        (_names, lambda: signature._signed_names.cache_info().currsize),
        (_source, lambda: source_named.cache_info().currsize),
        (_arn, lambda: _parsed_arn.cache_info().currsize),
        (_header, lambda: head_module._read_name.cache_info().currsize),
        (_name, lambda: shown_module._named.cache_info().currsize),
    ],
)
def test_nothing_long_is_remembered(send: Callable[[], None], kept: Callable[[], int]) -> None:
    """Four thousand credentials of 400,000 characters, each refused, stayed in memory for ever."""
    before = kept()
    send()
    assert kept() == before
