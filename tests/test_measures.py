"""Numbers that all workers share: whoever is asked answers for all, and no label is ever added."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from rolecall.measures import CELLS, Measures, numbers_of, shared_memory

OPERATIONS = [("s3", "GetObject"), ("sts", "AssumeRole")]
LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.+e-]+')


def _value(text: str, series: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(series + " ")).rpartition(" ")[2])


def _two() -> tuple[Measures, Measures]:
    numbers = numbers_of(shared_memory(CELLS * 2 * 8), 0, CELLS * 2)
    pair = Measures(numbers, 0), Measures(numbers, 1)
    for one in pair:
        one.know(OPERATIONS)
    return pair


def test_whichever_worker_is_asked_answers_for_all() -> None:
    one, two = _two()
    one.request("s3", "GetObject", "allowed", 0.003)
    two.request("s3", "GetObject", "allowed", 0.2)
    two.request("s3", "GetObject", "denied", 0.0001)
    one.set("rolecall_connections", 3)
    two.set("rolecall_connections", 4)
    assert one.text() == two.text()
    text = one.text()
    operation = 'service="s3",operation="GetObject"'
    assert _value(text, f'rolecall_requests_total{{{operation},outcome="allowed"}}') == 2
    assert _value(text, f'rolecall_requests_total{{{operation},outcome="denied"}}') == 1
    name = "rolecall_request_duration_seconds"
    assert [_value(text, f'{name}_bucket{{{operation},le="{bound}"}}') for bound in ("0.0005", "0.005", "0.25")] == [
        1,
        2,
        3,
    ]
    assert _value(text, f'{name}_bucket{{{operation},le="+Inf"}}') == _value(text, f"{name}_count{{{operation}}}") == 3
    assert abs(_value(text, f"{name}_sum{{{operation}}}") - 0.2031) < 1e-6
    assert _value(text, "rolecall_connections") == 7


def test_what_is_no_known_operation_is_counted_under_no_name() -> None:
    one, _ = _two()
    for number in range(1000):
        one.request("s3", f"Invented{number}", "refused", 0.001)
    text = one.text()
    assert "Invented" not in text
    assert _value(text, 'rolecall_requests_total{service="",operation="",outcome="refused"}') == 1000


def test_every_line_is_prometheus_text_and_every_series_has_its_type() -> None:
    one, _ = _two()
    one.request("sts", "AssumeRole", "failed", 20)
    one.sync("store", 0.004)
    typed = set()
    for line in one.text().splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            assert LINE.fullmatch(line), line
            assert re.sub(r"_(bucket|sum|count)$", "", re.split(r"[{ ]", line)[0]) in typed | {
                name for name in typed if line.startswith(name)
            }


def test_numbers_outlive_the_worker_that_wrote_them() -> None:
    descriptor = shared_memory(CELLS * 8)
    code = (
        "import sys; from rolecall.measures import *; m = Measures(numbers_of(int(sys.argv[1]), 0, CELLS));"
        " m.count('rolecall_worker_starts_total'); m.set('rolecall_connections', 5)"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code, str(descriptor)], pass_fds=(descriptor,), check=True)
    text = Measures(numbers_of(descriptor, 0, CELLS)).text()
    os.close(descriptor)
    assert _value(text, "rolecall_worker_starts_total") == 2
    assert _value(text, "rolecall_connections") == 0
