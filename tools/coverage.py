"""Write docs/reference/coverage.md: every operation of every service, what it needs to be allowed, whether it is built.

    python tools/coverage.py            write the page
    python tools/coverage.py --check    write nothing; leave with 1 where the page is not what the code says

The page is made from the registry that the server serves from. What an operation needs is asked of its own access
declaration, on behalf of the root user of an empty account and with no more parameters than the model requires; what
more it asks for with tags, ACLs or copies is not shown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from rolecall.access.caller import Caller
from rolecall.app.services import registry
from rolecall.catalog import actions
from rolecall.directory.accounts import Account, put_account
from rolecall.identifiers import root_arn
from rolecall.message import Request, ServiceError
from rolecall.policy.request import Principal, PrincipalKind
from rolecall.services.operation import Declared
from rolecall.store.interface import Snapshot
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore
from rolecall.trail import Trail
from rolecall.wire.model import Shape, service

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "coverage.md"
TITLES = {
    "iam": "IAM",
    "sts": "STS",
    "s3": "S3",
    "cloudtrail": "CloudTrail",
    "access-analyzer": "Access Analyzer",
    "organizations": "Organizations",
}
ITEM_BY_ITEM = {"DeleteObjects": "`s3:DeleteObject` for each of its keys"}
"""Operations that anybody may call and that decide about each item of the request."""

_ACCOUNT = "123456789012"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_HEAD = """# Coverage

Operation by operation: what is built, and which actions a caller must be allowed for it (more with tags, ACLs, copies).
Every operation below is authenticated and authorized. One that is not yet built then answers `501 NotImplemented`.
This page is written by `tools/coverage.py` from the table that the server serves from.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What the page says of one operation."""

    service: str
    operation: str
    needs: tuple[str, ...]
    """Empty where every caller may, or where each item of the request is decided for itself."""
    built: bool


class _NoBody:
    async def chunks(self) -> AsyncIterator[bytes]:
        nothing: tuple[bytes, ...] = ()
        for piece in nothing:
            yield piece


def main() -> int:
    """Write or check the page. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where the page is stale")
    page = current_page()
    if not parser.parse_args().check:
        PAGE.write_text(page)
        return 0
    if PAGE.exists() and PAGE.read_text() == page:
        return 0
    print(f"{PAGE.name} is stale: run python tools/coverage.py", file=sys.stderr)
    return 1


def current_page() -> str:
    """Return the page that the code as it is asks for."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db", master_keys=MasterKeys.in_memory(), sync=False)
        try:
            new = Account(account_id=_ACCOUNT, created=_NOW, canonical_id="0" * 64)
            store.write_now(lambda transaction: put_account(transaction, new))
            with store.view() as view:
                return render(lines(registry(Trail(store)), view))
        finally:
            store.close()


def lines(operations: Iterable[Declared], view: Snapshot) -> list[Line]:
    """Return a line for each operation."""
    return [Line(one.service, one.name, _needs(one, view), built=one.built) for one in operations]


def render(found: Sequence[Line]) -> str:
    """Return the page of these lines, service by service."""
    sections = [_HEAD]
    for name, title in TITLES.items():
        of_service = sorted((line for line in found if line.service == name), key=lambda line: line.operation)
        built = [line for line in of_service if line.built]
        rest = [line for line in of_service if not line.built]
        sections.append(f"## {title}: {len(built)} of {len(of_service)} operations\n")
        sections.append(_table(built))
        if rest:
            sections.append("Not yet built:\n")
            sections.append(_table(rest))
    return "\n".join(sections)


def _table(rows: Sequence[Line]) -> str:
    head = "| operation | needs |\n|---|---|\n"
    return head + "".join(f"| {row.operation} | {_shown(row)} |\n" for row in rows)


def _shown(row: Line) -> str:
    if row.needs:
        return ", ".join(f"`{action}`" for action in row.needs)
    return ITEM_BY_ITEM.get(row.operation, "nothing: every caller may")


def _needs(operation: Declared, view: Snapshot) -> tuple[str, ...]:
    """Return the actions that the operation checks for, each once, in its order."""
    shape = service(operation.service).operations[operation.name].input
    caller = Caller(Principal(PrincipalKind.ROOT, arn=root_arn(_ACCOUNT), account=_ACCOUNT), _ACCOUNT)
    request = Request("POST", b"/", b"", (), _NoBody())
    try:
        call = operation.call(_parameters(shape))
        checks = call.checks(caller, request, view, _NOW)
    except (ServiceError, msgspec.ValidationError) as refusal:
        return _by_name(operation, refusal)
    return tuple(dict.fromkeys(check.action for check in checks))


def _by_name(operation: Declared, refusal: Exception) -> tuple[str, ...]:
    """Return the action of the operation's own name, for declarations that refuse parameters which mean nothing."""
    name = f"{operation.service}:{operation.name}"
    if not actions.is_action(name):
        raise SystemExit(f"what {name} needs cannot be found out: {refusal}")
    return (name,)


def _parameters(shape: Shape | None) -> dict[str, object]:
    return {} if shape is None else {name: _example(shape.members[name].shape) for name in shape.required}


def _example(shape: Shape) -> object:
    match shape.type:
        case "structure":
            return _parameters(shape)
        case "list":
            return [_example(shape.element.shape)]
        case "map":
            return {}
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return _NOW
        case "blob":
            return b""
        case _:
            return shape.traits.enum[0] if shape.traits.enum else "example/example"


if __name__ == "__main__":
    sys.exit(main())
