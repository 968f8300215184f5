"""The tree of errors: as drawn, and fit to cross threads and processes."""

import copy
import pickle
import re
from collections.abc import Callable, Iterator

import pytest

import oauthclient
from oauthclient import errors
from oauthclient.errors import OAuthError


def descend(error: type[OAuthError]) -> Iterator[type[OAuthError]]:
    yield error
    for below in error.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from descend(below)


ALL = tuple(descend(OAuthError))
_COPIES: dict[str, Callable[[OAuthError], OAuthError]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
}


def drawn() -> dict[str, str | None]:
    """The name of each class in the module's drawing, and of the one above it."""
    above: list[str] = []
    tree: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)(?:[├└]── )?(\w+)(?:  |$)", line)
        if match and (above or match[2] == "OAuthError"):
            depth = len(match[1]) // 4 + ("── " in line)
            above[depth:] = [match[2]]
            tree[match[2]] = above[depth - 1] if depth else None
    return tree


def test_the_tree_that_is_drawn_is_the_real_one() -> None:
    real = {error.__name__: error.__base__.__name__ for error in ALL if error is not OAuthError and error.__base__}
    assert drawn() == {"OAuthError": None, **real}


def test_every_error_is_in_the_tree_and_on_the_front_door() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == {error.__name__ for error in ALL}
    assert classes <= set(oauthclient.__all__)


def test_the_codes_of_the_classes_tell_them_apart() -> None:
    assert len({error.code for error in ALL}) == len(ALL)


@pytest.mark.parametrize("way", _COPIES)
@pytest.mark.parametrize("kind", ALL)
def test_an_error_keeps_its_fields_when_it_is_copied(kind: type[OAuthError], way: str) -> None:
    error = kind("It went wrong.", code="some_code", hint="Do it right.")
    for field in {name for base in kind.__mro__ for name in vars(base).get("__annotations__", ())} - {"code", "hint"}:
        setattr(error, field, 17)
    duplicate = _COPIES[way](error)
    assert duplicate is not error
    assert type(duplicate) is kind
    assert vars(duplicate) == vars(error)
    assert duplicate.args == ("It went wrong.",)
    assert str(duplicate) == "It went wrong. Do it right."


@pytest.mark.parametrize("kind", ALL)
def test_without_a_hint_an_error_is_its_sentence_and_the_hint_of_its_class(kind: type[OAuthError]) -> None:
    assert str(kind("It went wrong.")) == f"It went wrong. {kind.hint}".strip()
    assert kind("It went wrong.").code == kind.code
