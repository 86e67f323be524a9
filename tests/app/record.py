"""Records a data folder as the present program writes it, for the tests of later ones. See recorded/README.md."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from tests.app.filling import fill
from tests.serving import ACCOUNT, serving

from rolecall.store.sqlite.database import SCHEMA

RECORDED = Path(__file__).parent / "recorded"
PASSING = ("lock", ".lock", "-shm")


def record(target: Path) -> None:
    """Serve, fill, stop and pack a folder into `target`, which must not exist."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with serving(data, "--account", ACCOUNT, "--tutorial", workers=1) as server:
            fill(server)
        with tarfile.open(target, "x:gz") as packed:
            for path in sorted(data.rglob("*")):
                if path.is_file() and not path.name.endswith(PASSING):
                    packed.add(path, path.relative_to(data))


def unpack(source: Path, data: Path) -> Path:
    """Make the data folder `data` of a recorded one, and return it."""
    data.mkdir(mode=0o700)
    with tarfile.open(source) as packed:
        packed.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
        packed.extractall(data)
    return data


if __name__ == "__main__":
    record(RECORDED / f"schema-{SCHEMA}.tar.gz")
