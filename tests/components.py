"""What the tests do where a component of the system, such as Node, cannot be had."""

import os
from typing import NoReturn

import pytest


class ComponentMissing(Exception):
    """A component cannot be had on this machine. `what` it is, and `how` to get it: a sentence each."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what} is missing: {how}")


def missing(gap: ComponentMissing) -> NoReturn:
    """Skip with one line that says what is missing and how to get it; with CI=true, fail instead."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(str(gap), pytrace=False)
    pytest.skip(str(gap))
