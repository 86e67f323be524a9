"""What the documents show, runs: each command of the README, in a shell, in order, with its outcome."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.requirements import tool
from tests.serving import Server, serving

from rolecall.app import serve

PROJECT = Path(__file__).parent.parent.parent
DECISIONS = PROJECT / "docs" / "decisions"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A folder that looks like a checkout in which `make run` is running."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".tools").symlink_to(tool("aws").parent)
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    with serving(folder / ".rolecall" / "tutorial", "--account", "123456789012", "--tutorial") as server:
        yield folder, server


def _blocks(document: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```", (PROJECT / document).read_text(), re.MULTILINE | re.DOTALL)


def _bash(script: str, folder: Path, server: Server) -> str:
    script = script.replace("http://127.0.0.1:4500", server.endpoint)
    done = subprocess.run(
        ["bash", "-c", f"shopt -s expand_aliases\nexec 2>&1\n{script}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout


def test_the_story_of_the_readme_runs_as_it_stands(place: tuple[Path, Server]) -> None:
    folder, server = place
    commands, story, why = _blocks("README.md")[:3]
    assert [line.split()[:2] for line in commands.splitlines()] == [["make", "run"], ["make", "test"]]
    said = _bash(story + "\necho STATUS\naws s3 cp testfile.txt s3://a.demo.bucket", folder, server)
    assert said.count("(AccessDenied) when calling the PutObject operation") == 2, said
    assert said.count("(AccessDenied) when calling the AssumeRole operation") == 1, said
    assert "assumed-role/S3_Full_Access/me" in said
    assert "upload: ./testfile.txt to s3://a.demo.bucket/testfile.txt" in said.partition("STATUS")[0]
    assert "upload failed" in said.partition("STATUS")[2]
    explained = _bash(f"export AWS_ENDPOINT_URL={server.endpoint}\nsleep 0.5\n{why}", folder, server)
    assert "sts:AssumeRole" in explained, explained
    assert re.search(r"Refused: no policy of user/aws_cli_test allows s3:PutObject on", explained), explained


def test_every_target_that_the_documents_name_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for document in ("README.md", "CONTRIBUTING.md", "docs/guide/tutorial.md", "docs/guide/serving.md"):
        for target in re.findall(r"`?make ([a-z-]+)", (PROJECT / document).read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (document, target)


def test_every_file_that_a_document_links_exists() -> None:
    for document in (*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), (document.name, link)


def test_every_decision_has_its_context_choice_and_price_and_a_line_in_the_list() -> None:
    listed = re.findall(r"^- \[([a-z0-9-]+)\]\(\1\.md\): ", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    pages = {page.stem: page.read_text() for page in DECISIONS.glob("*.md") if page.name != "README.md"}
    assert sorted(listed) == sorted(pages)
    for name, text in pages.items():
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Choice", "Price"], name


def test_the_guide_names_every_option_of_serve() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    serve.configure(parser)
    guide = (PROJECT / "docs/guide/serving.md").read_text()
    options = [option for action in parser._actions for option in action.option_strings]
    assert len(options) > 10
    assert [option for option in options if not re.search(rf"{option}\b", guide)] == []


def _runs_as_shown(document: str, folder: Path, server: Server) -> None:
    """Run a page's commands in one shell; each line shown after them is printed, in order, `…` standing for anything."""
    page = (PROJECT / document).read_text()
    blocks = re.findall(r"^```(text)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    commands = [body for kind, body in blocks if not kind]
    said = _bash("\necho '@@@'\n".join(commands), folder, server).split("@@@\n")
    assert len(said) == len(commands), said[-1]
    printed = ""
    outputs = iter(said)
    for kind, body in blocks:
        if not kind:
            printed = next(outputs)
            continue
        for line in filter(None, body.splitlines()):
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            found = re.search(f"^{pattern}", printed, re.MULTILINE)
            assert found, f"{line!r} is not in\n{printed}"
            printed = printed[found.end() :]


def test_the_page_about_refusals_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".tools").symlink_to(tool("aws").parent)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    with serving(tmp_path / ".rolecall" / "tutorial", "--account", "123456789012", "--tutorial") as server:
        _runs_as_shown("docs/guide/why-denied.md", tmp_path, server)
