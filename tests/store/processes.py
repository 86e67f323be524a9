"""What one of several processes on a store does. Run as `python -m tests.store.processes <what> <folder> <number>`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from rolecall.objects.local import LocalObjects
from rolecall.store.interface import Store, Transaction
from rolecall.store.keys import pack
from rolecall.store.sealing import MasterKeys
from rolecall.store.sqlite import SqliteStore

WRITERS = 16


def open_store(folder: Path) -> SqliteStore:
    return SqliteStore(folder / "store.db", master_keys=MasterKeys.load(folder / "keyring"))


def say(line: str) -> None:
    """Write a whole line at once: the reader must never take a torn one for an acknowledgement."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def increment(transaction: Transaction) -> None:
    transaction.put(b"total", str(int(transaction.get(b"total") or b"0") + 1).encode())


async def count(store: Store, seconds: float) -> None:
    """Increment one number with sixteen writers, and say how often."""
    ends = time.monotonic() + seconds

    async def writer() -> int:
        done = 0
        while time.monotonic() < ends:
            await store.write(increment, brief=done % 2 == 0)
            done += 1
        return done

    say(str(sum(await asyncio.gather(*(writer() for _ in range(WRITERS))))))


async def fill(store: Store, objects: LocalObjects, number: int) -> None:
    """Write pairs of records, and now and then a blob with its record, until killed; say each that was acknowledged."""

    async def writer(writer_number: int) -> None:
        turn = 0
        while True:
            blob = ""
            if turn % 4 == 0:
                upload = objects.create()
                await upload.write(str(turn).encode() * 10_000)
                blob = await upload.commit()
            key = (number, writer_number, turn)

            def work(transaction: Transaction, key: tuple[int, int, int] = key, blob: str = blob) -> None:
                transaction.put(pack("left", *key), blob.encode())
                transaction.put(pack("right", *key), bytes(500))

            await store.write(work, brief=turn % 2 == 0)
            say(" ".join(map(str, key)))
            turn += 1

    await asyncio.gather(*(writer(n) for n in range(WRITERS)))


def main() -> None:
    what, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    store = open_store(folder)
    if what == "count":
        say("ready")
        sys.stdin.readline()
        asyncio.run(count(store, seconds=1.5))
        store.close()
    else:
        asyncio.run(fill(store, LocalObjects(folder / "objects"), number))


if __name__ == "__main__":
    main()
