"""The models' patterns in Python's words."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from rolecall.wire.model import service, services
from rolecall.wire.patterns import UnreadablePattern, compiled, translated

PATTERNS = sorted(  # S3's are not held against anything by the wire
    {
        shape.pattern
        for name in services()
        if service(name).protocol != "rest-xml"
        for shape in service(name).record.shapes.values()
        if shape.pattern
    }
)
TAG = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_value_keeps_a_pattern_busy(pattern: str) -> None:
    """What would backtrack without end runs into the test's time limit."""
    matches = compiled(pattern).fullmatch
    for piece in ("a", "/", "/a", "a/", "-", "a-", "ab ", "arn:", "é", "\t", "v1.", "!", "a=", "s3://a/"):
        for end in ("", "\n", "\x00", "é!"):
            matches(piece * 4_000 + end)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        (r"[\w+=,.@-]+", ["a_B9+=,.@-"], ["", "é", "a b", "a\n", "٣"]),
        (r"[\w-.]+", ["a-.b_"], ["a/b", "^"]),
        (r"\d{12}", ["123456789012"], ["١٢٣٤٥٦٧٨٩٠١٢", "12345678901", "123456789012\n"]),
        (r"^[a-z]+$", ["abc"], ["abc\n", "Abc"]),
        (TAG, ["", "Größe 漢字 \u00a0\u3000Ⅷ½", "a_b.c:d/e=f+g-h@i"], ["a,b", "\t", "🙂", "a\n", "\u0301"]),
        (r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", ["/", "/a/", "/a/b/"], ["", "//a", "a", "/a", "/ /"]),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", ["a\t🙂\U0010ffff"], ["\n", "\x00", "\uffff"]),
        (r"((/[A-Za-z0-9\.,\+@=_-]+)*)/", ["/", "/a/", "/a/b/"], ["", "a", "//", "/a"]),
        (r"[\s]", [" ", "\t"], ["\u00a0"]),
    ],
)
def test_a_pattern_means_in_python_what_it_means_in_java(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    matches = compiled(pattern).fullmatch
    assert [value for value in fits if not matches(value)] == []
    assert [value for value in fits_not if matches(value)] == []


def test_letters_numbers_and_separators_are_unicodes() -> None:
    """Python's own idea of a word is letters and numbers; the separators are spelled out."""
    matches = compiled(TAG).fullmatch
    for number in range(0, sys.maxunicode, 1):
        character = chr(number)
        wanted = unicodedata.category(character)[0] in "LNZ" or character in "_.:/=+-@"
        if (matches(character) is not None) != wanted:
            raise AssertionError(f"U+{number:04X} {unicodedata.category(character)}")


@pytest.mark.parametrize("pattern", [r"\p{L}", r"[\p{L}]", r"[\p{L}\p{N}]", r"[\p{S}]"])
def test_what_is_not_known_is_said(pattern: str) -> None:
    with pytest.raises(UnreadablePattern):
        translated(pattern)
