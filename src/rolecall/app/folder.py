"""The data folder: who may read it, who holds it, and the credential files that a first start writes into it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

ROOT_CREDENTIALS = "root-credentials"
TUTORIAL_CREDENTIALS = "tutorial-credentials"
MANIFEST = "backup.json"
"""The file by which a backup is known: such a folder is restored, never served."""
UNFINISHED = "unfinished"
"""The file by which a folder is known that a backup or a restore began and did not finish: nothing uses such a one."""


class FolderRefused(Exception):
    """The data folder cannot be used; the text says why and what to do."""


class DataFolder:
    """A data folder and the names of what lies in it."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is touched yet."""
        self.path = path.absolute()
        self.store = self.path / "rolecall.db"
        self.trail = self.path / "trail.db"
        self.objects = self.path / "objects"
        self.keyring = self.path / "keyring"
        self.removals = self.path / "removals.lock"

    def create(self) -> None:
        """Make the folder (mode 0700) where it is missing. Raises FolderRefused for one that others may read."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode
        except OSError as error:
            raise FolderRefused(f"cannot make the data folder `{self.path}`: {error.strerror}.") from error
        if mode & 0o077:
            raise FolderRefused(
                f"the data folder `{self.path}` can be read by other users; it holds keys. Run: chmod 700 {self.path}"
            )

    def refuse_if_absent(self) -> None:
        """Raise FolderRefused where there is no store, so that nobody takes an empty folder for one of ours."""
        self.refuse_if_unfinished()
        if not self.store.exists():
            raise FolderRefused(f"`{self.path}` is not a data folder of Rolecall.")

    def refuse_if_foreign(self) -> None:
        """Raise FolderRefused where the folder is another user's, whose server could not read what we would write."""
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise FolderRefused(
                f"`{self.path}` belongs to the user {owner}: run this as that user (sudo -u '#{owner}')."
            )

    def refuse_if_unfinished(self) -> None:
        """Raise FolderRefused for what a backup or a restore that was cut short has left."""
        if (self.path / UNFINISHED).exists():
            raise FolderRefused(
                f"`{self.path}` was left by a `rolecall backup` or `rolecall restore` that did not end: objects may be"
                " missing. Remove it, and run the command again."
            )

    def refuse_if_robbed(self) -> None:
        """Raise FolderRefused for a backup, for half of one, and for a folder in use that lacks its store or keyring.

        Begun anew, it would look well and be empty. Cut-short first starts leave nothing that this refuses.
        """
        self.refuse_if_unfinished()
        has_store = self.store.exists() and self.store.stat().st_size > 0
        if not has_store and any(one.exists() for one in (self.trail, self.objects, self.path / ROOT_CREDENTIALS)):
            raise FolderRefused(
                f"`{self.store}` is missing or empty, though the folder has been in use: restore a backup into a new"
                " folder (`rolecall restore`), or name another folder for a new account."
            )
        if (self.path / MANIFEST).exists():
            raise FolderRefused(f"`{self.path}` is a backup: make a data folder of it with `rolecall restore`.")
        if has_store and not self.keyring.exists():
            raise FolderRefused(
                f"`{self.keyring}` is missing: put the keyring file back that was made with this folder. Without it no"
                " secret in the store opens."
            )

    def hold(self) -> IO[str]:
        """Take the folder for this process until the returned file is closed. Raises FolderRefused when it is taken."""
        lock = (self.path / "lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise FolderRefused(
                f"another server (process {holder or 'unknown'}) is using the data folder `{self.path}`."
                " Stop it first, or give this one another folder with --data."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock

    def write_credentials(self, name: str, profile: str, access_key_id: str, secret: str) -> Path:
        """Write a file in AWS's shared-credentials form, readable by its owner alone, whole or not at all."""
        path = self.path / name
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"[{profile}]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret}\n")
            file.write("region = us-east-1\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path
