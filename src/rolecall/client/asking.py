"""What the commands that ask a server have in common: their options, and what they say when it does not answer."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from rolecall.client.sending import Refused, Unreachable
from rolecall.client.settings import Connection, NotConfigured, connection

FOUND, NOT_FOUND, FAILED = 0, 1, 2
"""Exit codes: the answer is yes, or something; no, or nothing; there is no answer."""


def add_options(
    parser: argparse.ArgumentParser, *, nothing: str, printed: str = "print JSON, one object a line"
) -> None:
    """Declare the options of every command that asks a server, and say when it ends with `NOT_FOUND`."""
    parser.epilog = f"Exit code 1 when {nothing}, 2 when it could not be asked."
    parser.add_argument("--json", action="store_true", help=printed)
    parser.add_argument("--profile", metavar="NAME", help="the profile whose credentials to ask with")
    parser.add_argument("--endpoint-url", metavar="URL", help="where to ask (default: AWS_ENDPOINT_URL)")


def asking(
    arguments: argparse.Namespace,
    ask: Callable[[Connection], int],
    needs: str = "Asking the trail needs cloudtrail:LookupEvents",
) -> int:
    """Run `ask` and return its exit code; tell a person what to do where it cannot be run."""
    try:
        at = connection(os.environ, profile=arguments.profile, endpoint=arguments.endpoint_url)
        return ask(at)
    except NotConfigured as problem:
        complain(str(problem))
    except Refused as refusal:
        complain(str(refusal))
        if refusal.code.startswith("AccessDenied"):
            complain(f"{needs}: ask an administrator, or use another --profile.")
    except Unreachable as problem:
        complain(f"No answer: {problem}")
    return FAILED


def complain(sentence: str) -> None:
    """Say what is wrong, to a person."""
    Console(file=sys.stderr, soft_wrap=True).print(Text(sentence, style="red"))
