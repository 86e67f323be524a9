"""Run one target under atheris, which learns from the coverage of the code which bytes lead on.

    python -m tests.fuzz.coverage_guided TARGET --seconds 60

Inputs that reach new code are packed into tests/fuzz/corpus only where --keep is given; a finding ends the run with a trace, an
exit code that is not 0, and the input in a file `crash-...` of the folder of artifacts.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import atheris

with atheris.instrument_imports(include=["rolecall"]):
    from tests.fuzz.targets import CORPUS, TARGETS, Target

LONGEST_INPUT = 4096
SLOWEST_INPUT = 20
MOST_KEPT = 120


def main() -> int:
    """Fuzz; return the exit code of the fuzzer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="add what reaches new code to the corpus")
    parser.add_argument("--artifacts", default=".", help="where the input of a finding is put")
    arguments = parser.parse_args()
    target = TARGETS[arguments.target]
    with TemporaryDirectory() as scratch:
        seeds, words, found = Path(scratch, "seeds"), Path(scratch, "words"), Path(scratch, "found")
        seeds.mkdir()
        found.mkdir()
        for number, seed in enumerate((*target.seeds, *target.kept())):
            (seeds / str(number)).write_bytes(seed)
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in (*target.words, b"AAAA")))
        limits = [f"-max_total_time={arguments.seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={SLOWEST_INPUT}"]
        child = os.fork()  # libFuzzer leaves without a word; what is to be done afterwards needs another process
        if child == 0:
            atheris.Setup(
                [
                    sys.argv[0],
                    *limits,
                    f"-dict={words}",
                    "-rss_limit_mb=1024",
                    f"-artifact_prefix={arguments.artifacts}/",
                    str(found),
                    str(seeds),
                ],
                target.run,
            )
            atheris.Fuzz()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if arguments.keep:
            _keep(target, found)
    return code


def _keep(target: Target, found: Path) -> None:
    """Pack the smallest inputs into the target's corpus, at most as many as are quickly run again."""
    inputs = {*target.kept(), *(path.read_bytes() for path in found.iterdir())}
    with ZipFile(CORPUS / f"{target.name}.zip", "w", ZIP_DEFLATED) as archive:
        for data in sorted(inputs, key=lambda data: (len(data), data))[:MOST_KEPT]:
            archive.writestr(ZipInfo(hashlib.sha256(data).hexdigest()[:16]), data, ZIP_DEFLATED)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
