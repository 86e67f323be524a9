"""ValidatePolicy: a document held against the grammar, AWS's facts and AWS's advice; nothing is refused, all is found.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-policy-validation.html
"""

from __future__ import annotations

from rolecall.analysis.findings import Finding
from rolecall.analysis.validation.policy import review
from rolecall.analysis.validation.subject import PolicyType, Subject

__all__ = ["PolicyType", "Subject", "validate"]


def validate(text: str, subject: Subject) -> list[Finding]:
    """Return what is to be found in the document `text`, in its order.

    Raises:
        Undecided: for a document so large or intricate that this would take too long.
    """
    return review(text, subject)
