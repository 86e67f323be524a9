"""The contract's assertions explain themselves, though it is no test module."""

import pytest

pytest.register_assert_rewrite("tests.objects.contract")
