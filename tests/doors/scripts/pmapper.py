"""principalmapper, which was written for Pythons whose `collections` still held the abstract classes."""

from __future__ import annotations

import collections
import collections.abc
import sys

for name in ("Mapping", "MutableMapping"):
    setattr(collections, name, getattr(collections.abc, name))

from principalmapper.__main__ import main  # noqa: E402 - it wants the names above

sys.exit(main())
