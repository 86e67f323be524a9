"""s3fs, with a session's credentials."""

from __future__ import annotations

import s3fs
from steps import BODY, FACTS, MIB, run

key, secret, token = FACTS.session
files = s3fs.S3FileSystem(
    key=key, secret=secret, token=token, endpoint_url=FACTS.endpoint, client_kwargs={"region_name": FACTS.region}
)
HERE = FACTS.bucket


def upload() -> int:
    files.pipe(f"{HERE}/small", b"small")
    with files.open(f"{HERE}/deep/parts", "wb", block_size=5 * MIB) as writer:
        for start in range(0, len(BODY), MIB):
            writer.write(BODY[start : start + MIB])
    return files.size(f"{HERE}/deep/parts")


def listed() -> list[str]:
    return sorted(files.find(HERE))


def folders() -> list[tuple[str, str]]:
    return sorted((found["name"], found["type"]) for found in files.ls(HERE, detail=True))


def download() -> bool:
    return files.cat(f"{HERE}/deep/parts") == BODY


def ranged() -> bool:
    with files.open(f"{HERE}/deep/parts", "rb", cache_type="none") as reader:
        reader.seek(5 * MIB - 2)
        return reader.read(5) == BODY[5 * MIB - 2 : 5 * MIB + 3]


def copied() -> int:
    files.copy(f"{HERE}/deep/parts", f"{HERE}/copy")
    return files.size(f"{HERE}/copy")


def described() -> list[object]:
    files.setxattr(f"{HERE}/small", colour="blue")
    files.put_tags(f"{HERE}/small", {"team": "one"})
    return [files.getxattr(f"{HERE}/small", "colour"), files.get_tags(f"{HERE}/small")]


def appended() -> str:
    with files.open(f"{HERE}/small", "ab") as writer:
        writer.write(b" and more")
    return files.cat(f"{HERE}/small").decode()


def exclusive() -> None:
    files.pipe(f"{HERE}/small", b"again", mode="create")


def deleted() -> list[str]:
    files.rm([f"{HERE}/deep", f"{HERE}/copy", f"{HERE}/small"], recursive=True)
    files.invalidate_cache()
    return files.find(HERE)


def refused() -> None:
    files.pipe(f"{HERE}/closed/door", b"no")


def missing() -> None:
    files.cat(f"{HERE}/nowhere")


run(upload, listed, folders, download, ranged, copied, described, appended, exclusive, deleted, refused, missing)
