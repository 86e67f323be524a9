"""A backup that somebody else had in hand: what it names lies in it, or it is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rolecall.app.copies import sum_of
from rolecall.app.restore import Source
from rolecall.upkeep.manifest import BLOBS, BackupDamaged, Manifest, write_manifest


@pytest.mark.parametrize(
    "name", ["../planted", "/etc/cron.d/planted", "objects/../../planted", "..", "", "a\x00b", "A"]
)
def test_a_manifest_cannot_have_a_file_written_elsewhere(tmp_path: Path, name: str) -> None:
    """CWE-22: `../planted` was copied to beside the new data folder."""
    backup = tmp_path / "backup"
    backup.mkdir()
    (tmp_path / "planted").write_bytes(b"planted")
    (backup / BLOBS).write_bytes(b"")
    files = {name: sum_of(tmp_path / "planted"), BLOBS: sum_of(backup / BLOBS)}
    manifest = Manifest(
        program="1", made=datetime.now(UTC), account="123456789012", schema=1, keys=False, files=files, blobs=0, bytes=0
    )
    (backup / "backup.json").write_bytes(write_manifest(manifest))
    with pytest.raises(BackupDamaged, match="no file of a backup"):
        Source(backup)
