"""Pin AWS's service models: read them from the installed botocore, trim them, write them, say what changed.

    python tools/import_models.py            write src/rolecall/wire/models/*.json and print the difference
    python tools/import_models.py --check    write nothing; leave with 1 where the pinned ones are not botocore's

What is left out is documentation and what only a client needs (endpoints, waiters, client context). The overlay is no
business of this script: it is applied when a model is loaded.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore
from botocore.loaders import Loader

SERVICES = {
    "iam": "iam",
    "sts": "sts",
    "s3": "s3",
    "cloudtrail": "cloudtrail",
    "access-analyzer": "accessanalyzer",
    "organizations": "organizations",
}
"""The services as credential scopes spell them, and botocore's names for their models."""
MODELS = Path(__file__).parent.parent / "src" / "rolecall" / "wire" / "models"

UNUSED = frozenset(
    {
        "box",
        "contextParam",
        "deprecated",
        "deprecatedMessage",
        "deprecatedSince",
        "documentation",
        "endpoint",
        "endpointdiscovery",
        "examples",
        "staticContextParams",
        "synthetic",
    }
)
METADATA = ("apiVersion", "endpointPrefix", "jsonVersion", "protocol", "serviceId", "targetPrefix", "xmlNamespace")

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def trimmed(value: Json, *, named: bool = False) -> Json:
    """Return `value` without what nobody here reads. The keys of a `named` dict are names, not traits."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if named or key not in UNUSED}
        return {key: trimmed(part, named=not named and key == "members") for key, part in kept.items()}
    if isinstance(value, list):
        return [trimmed(part) for part in value]
    return value


def read(service: str) -> dict[str, Json]:
    """Return botocore's model of `service`, trimmed."""
    document = Loader().load_service_model(SERVICES[service], "service-2")
    return {
        "source": {"package": "botocore", "version": botocore.__version__, "licence": "Apache-2.0"},
        "metadata": {key: document["metadata"][key] for key in METADATA if key in document["metadata"]},
        "operations": {name: trimmed(document["operations"][name]) for name in sorted(document["operations"])},
        "shapes": {name: trimmed(document["shapes"][name]) for name in sorted(document["shapes"])},
    }


def spelled(document: dict[str, Json]) -> str:
    """Return the file's text: one operation or shape a line, so that a difference can be read."""
    lines = ["{"]
    lines.extend(f"{json.dumps(section)}: {json.dumps(document[section])}," for section in ("source", "metadata"))
    for section, ending in (("operations", ","), ("shapes", "")):
        lines.append(f"{json.dumps(section)}: {{")
        entries = document[section]
        if not isinstance(entries, dict):
            raise TypeError(f"{section} is not an object")
        lines.append(",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()))
        lines.append(f"}}{ending}")
    return "\n".join([*lines, "}", ""])


def difference(old: Json, new: Json, path: str = "") -> Iterator[str]:
    """Yield a line for each place where two documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            where = f"{path}/{key}"
            if key not in new:
                yield f"- {where}"
            elif key not in old:
                yield f"+ {where}"
            else:
                yield from difference(old[key], new[key], where)
    elif old != new:
        yield f"~ {path}: {json.dumps(old)[:120]} -> {json.dumps(new)[:120]}"


def main() -> int:
    """Refresh or check every pinned model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where something would change")
    check = parser.parse_args().check
    changed = False
    for service in SERVICES:
        path = MODELS / f"{service}.json"
        new = read(service)
        old = json.loads(path.read_text()) if path.exists() else {}
        lines = [line for line in difference(old, new) if not line.startswith("~ /source/")]
        changed = changed or bool(lines)
        print(f"{service}: {len(lines)} differences")
        for line in lines:
            print(f"  {line}")
        if not check:
            path.write_text(spelled(new))
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
