"""Results of policy tests as JUnit XML, the form that CI systems read: a suite a file, a case a test."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from rolecall.cases.answer import reasons
from rolecall.cases.suite import Result, Suite


def junit(found: Sequence[tuple[Suite, Sequence[Result]]]) -> bytes:
    """Return the XML document for all suites and their results."""
    root = ET.Element("testsuites", name="rolecall test-policy")
    totals = [_suite(root, suite, results) for suite, results in found]
    root.set("tests", str(sum(tests for tests, _ in totals)))
    root.set("failures", str(sum(failures for _, failures in totals)))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _suite(root: ET.Element, suite: Suite, results: Sequence[Result]) -> tuple[int, int]:
    element = ET.SubElement(root, "testsuite", name=_plain(suite.name))
    for refused in suite.refused:
        case = _case(element, suite, f"{refused.name} can be stored")
        _failure(case, f"AWS refuses it: {refused.why}", "")
    for result in results:
        case = _case(element, suite, result.test.name)
        if result.failure:
            _failure(case, result.failure, "\n".join(reasons(result.answer)))
    tests = len(suite.refused) + len(results)
    failures = len(suite.refused) + sum(bool(result.failure) for result in results)
    element.set("tests", str(tests))
    element.set("failures", str(failures))
    return tests, failures


def _case(suite: ET.Element, of: Suite, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", name=_plain(name), classname=_plain(of.name))


def _failure(case: ET.Element, message: str, text: str) -> None:
    ET.SubElement(case, "failure", message=_plain(message)).text = _plain(text)


def _plain(text: str) -> str:
    """Return a text without the characters that XML has no place for."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)
