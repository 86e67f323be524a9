"""pyarrow's S3 file system, AWS's SDK for C++, which assumes the role itself."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from steps import BODY, FACTS, MIB, run

files = fs.S3FileSystem(
    role_arn=FACTS.role,
    session_name="arrow",
    endpoint_override=FACTS.endpoint,
    region=FACTS.region,
    scheme="http",
)
HERE = FACTS.bucket


def upload() -> int:
    with files.open_output_stream(f"{HERE}/small") as writer:
        writer.write(b"small")
    with files.open_output_stream(f"{HERE}/deep/parts") as writer:
        for start in range(0, len(BODY), MIB):
            writer.write(BODY[start : start + MIB])
    return files.get_file_info(f"{HERE}/deep/parts").size


def listed() -> list[tuple[str, str]]:
    return sorted((found.path, found.type.name) for found in files.get_file_info(fs.FileSelector(HERE, recursive=True)))


def download() -> bool:
    with files.open_input_stream(f"{HERE}/deep/parts") as reader:
        return reader.read() == BODY


def ranged() -> bool:
    with files.open_input_file(f"{HERE}/deep/parts") as reader:
        reader.seek(5 * MIB - 2)
        return reader.read(5) == BODY[5 * MIB - 2 : 5 * MIB + 3]


def copied() -> int:
    files.copy_file(f"{HERE}/deep/parts", f"{HERE}/copy")
    return files.get_file_info(f"{HERE}/copy").size


def parquet() -> list[int]:
    table = pa.table({"number": list(range(1000)), "text": [str(number) for number in range(1000)]})
    pq.write_table(table, f"{HERE}/table.parquet", filesystem=files, row_group_size=100)
    read = pq.read_table(f"{HERE}/table.parquet", filesystem=files, columns=["number"], filters=[("number", ">", 997)])
    return read["number"].to_pylist()


def deleted() -> list[str]:
    files.delete_dir_contents(HERE)
    return [found.path for found in files.get_file_info(fs.FileSelector(HERE, recursive=True))]


def refused() -> None:
    with files.open_output_stream(f"{HERE}/closed/door") as writer:
        writer.write(b"no")


def missing() -> str:
    return files.get_file_info(f"{HERE}/nowhere").type.name


run(upload, listed, download, ranged, copied, parquet, deleted, refused, missing)
