"""The front door: one command, and the module of each.

A command's module is imported when it is called for, the one late import there is, so that tools which start
`rolecall` often do not wait for what they do not use. Each module offers `configure(parser)` and `run(arguments)`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "serve": ("rolecall.app.serve", "start the server on a data folder"),
    "root": ("rolecall.app.root", "replace a lost root access key"),
    "doctor": ("rolecall.app.doctor", "examine a data folder, also one that is being served"),
    "backup": ("rolecall.app.backup", "copy a data folder, also one that is being served"),
    "restore": ("rolecall.app.restore", "make a data folder of a backup"),
    "keys": ("rolecall.app.keys", "rotate master keys and session keys"),
    "sessions": ("rolecall.app.sessions", "end temporary credentials before their time"),
    "why": ("rolecall.client.why", "explain the decision on one request"),
    "can": ("rolecall.client.can", "tell whether someone may do something"),
    "who-can": ("rolecall.client.who_can", "list everyone who may do something"),
    "decide": ("rolecall.cases.decide", "decide authorization cases from a file, without a server"),
    "test-policy": ("rolecall.cases.checking", "run a folder of policies against what is expected of them"),
    "generate-policy": ("rolecall.client.generate_policy", "write the policy that allows what somebody did"),
    "trail": ("rolecall.client.trail", "list who did what, and what was refused"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="rolecall",
        description="AWS IAM, STS and S3 on your own machine: every request authorized, every decision explained.",
        epilog="Exit code 0: done, or yes; 1: the answer is no, or something is wrong; 2: it could not be done.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == chosen:
            importlib.import_module(module).configure(command)
    parsed = parser.parse_args(words)
    try:
        code: int = importlib.import_module(COMMANDS[parsed.command][0]).run(parsed)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
