"""For servers whose log is to be searched: whatever level they ask for, they log everything."""

import logging

_as_it_was = logging.basicConfig


def _loudly(**options: object) -> None:
    _as_it_was(**{**options, "level": logging.DEBUG})


logging.basicConfig = _loudly
