"""What was acknowledged, and what therefore must be found.

A subject is anything that has a value: an object, a policy, a key. Whoever changes it is the only one who does. A
change that was acknowledged has been made; one that was refused has not; one that was not answered, or answered 503,
may have been, wholly or not at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from tests.reliability.asking import NO_ANSWER, Answer, Asked

Subject = tuple[str, ...]
GONE = "gone"

Becomes = Mapping[Subject, str]
"""The values that subjects have once a change is made."""


@dataclass(frozen=True)
class Change:
    """A request, and what follows from its being carried out; `then` tells it from the answer where it must."""

    asked: Asked
    becomes: Becomes = field(default_factory=dict)
    then: Callable[[Answer], Becomes] | None = None


Work = Generator[Change, Answer, None]
"""Somebody who asks for one change after the other, and is sent each one's answer."""


class Unexpected(AssertionError):
    """An answer that no fault excuses."""


class Ledger:
    """The values that each subject may have. Subjects nobody wrote of yet are gone."""

    def __init__(self) -> None:
        self._may_be: dict[Subject, set[str]] = {}
        self._lock = threading.Lock()
        self._touched: set[Subject] = set()
        self.acknowledged = 0
        self.doubtful = 0
        self.refused: list[Answer] = []
        """Answers 503: what was asked may have been done."""
        self.events: list[tuple[str, float]] = []
        """The id of each acknowledged request, and when (time.monotonic) its answer came."""

    def begin(self, change: Change) -> None:
        """Note that a change is asked for."""
        with self._lock:
            for subject, value in change.becomes.items():
                self._may_be.setdefault(subject, {GONE}).add(value)
                self._touched.add(subject)

    def end(self, change: Change, answer: Answer) -> None:
        """Note what came of it. Raises Unexpected for an answer that is neither success, 503 nor silence."""
        with self._lock:
            if answer.is_success:
                self.acknowledged += 1
                self.events.append((answer.request_id, time.monotonic()))
                told = change.then(answer) if change.then else {}
                for subject, value in {**change.becomes, **told}.items():
                    self._may_be[subject] = {value}
                    self._touched.add(subject)
            elif answer.status in {NO_ANSWER, 503} or answer.code == "ServiceUnavailable":
                self.doubtful += 1
                if answer.status != NO_ANSWER:
                    self.refused.append(answer)
            else:
                raise Unexpected(f"{change.asked.method} {change.asked.path} {change.asked.body[:200]!r}: {answer}")

    def touched(self) -> list[Subject]:
        """Return the subjects that were written of since the last call, in the order of the alphabet."""
        with self._lock:
            touched, self._touched = self._touched, set()
        return sorted(touched)

    def subjects(self) -> list[Subject]:
        with self._lock:
            return sorted(self._may_be)

    def may_be(self, subject: Subject) -> set[str]:
        with self._lock:
            return set(self._may_be.get(subject, {GONE}))

    def wrong(self, subject: Subject, value: str) -> str | None:
        """Return what is wrong with a subject's having this value, or None."""
        allowed = self.may_be(subject)
        return None if value in allowed else f"{subject} is {value}, and should be {' or '.join(sorted(allowed))}"

    def found(self, subject: Subject, value: str) -> str | None:
        """Do as `wrong`, and from now on expect what was found: it was looked at where it lasts."""
        wrong = self.wrong(subject, value)
        if wrong is None:
            with self._lock:
                self._may_be[subject] = {value}
        return wrong
