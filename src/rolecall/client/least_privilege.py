"""The smallest policy that allows some needs: pure, from needs to a document.

https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rolecall.client.used import Need

EXACTLY, FOLDERS, BUCKETS = "none", "folder", "bucket"
GROUPINGS = (EXACTLY, FOLDERS, BUCKETS)
FEW = 5
"""Up to how many objects of one folder are listed one by one."""

_OBJECT = "arn:aws:s3:::"
_LITERALLY = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})
"""How signs that mean something in a pattern are written where they do not."""


def policy_for(needs: Iterable[Need], grouping: str = FOLDERS) -> dict[str, object]:
    """Return a policy that allows these needs, and as little else as the grouping of objects brings with it."""
    by_action: dict[str, set[str]] = {}
    for need in needs:
        by_action.setdefault(need.action, set()).add(need.resource)
    by_resources: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for action, resources in by_action.items():
        patterns = tuple(sorted(_needed(_patterns(resources, grouping))))
        by_resources.setdefault((action.partition(":")[0], patterns), []).append(action)
    statements = [
        {
            "Sid": f"Used{number}",
            "Effect": "Allow",
            "Action": _one_or_all(sorted(actions)),
            "Resource": _one_or_all(list(patterns)),
        }
        for number, ((_, patterns), actions) in enumerate(sorted(by_resources.items()), 1)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _patterns(resources: set[str], grouping: str) -> set[str]:
    """Return the patterns that cover some resources."""
    if "*" in resources:
        return {"*"}
    keys = {one for one in resources if one.startswith(_OBJECT) and "/" in one}
    found = {one.translate(_LITERALLY) for one in resources - keys}
    folders = Counter(_folder(one) for one in keys)
    for one in keys:
        if grouping == BUCKETS:
            found.add(f"{one.partition('/')[0]}/*")
        elif grouping == FOLDERS and folders[_folder(one)] > FEW:
            found.add(f"{_folder(one).translate(_LITERALLY)}/*")
        else:
            found.add(one.translate(_LITERALLY))
    return found


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


def _needed(patterns: set[str]) -> list[str]:
    """Leave out patterns that another one covers."""
    starts = [one[:-1] for one in patterns if one.endswith("*") and not one.endswith("${*}")]
    return [one for one in patterns if not any(one.startswith(start) and one != f"{start}*" for start in starts)]
