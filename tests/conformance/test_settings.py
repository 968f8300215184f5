"""What a program gets wrong in its own settings is told where it stands, as an error of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import pytest

from oauthclient import ClientCredentials, ConfigurationError, DPoP, Grant, OAuthClient, PrivateKeyJWT, Resource
from tests.world import ORDERS, World

WRONG: dict[str, dict[str, Any]] = {
    "no authentication": {"authentication": None},
    "a secret as it is": {"authentication": "hunter2"},
    "a class": {"authentication": PrivateKeyJWT},
    "the name of a binding": {"binding": "DPoP"},
    "the class of a binding": {"binding": DPoP},
    "metadata as text": {"metadata": "{}"},
    "parameters as text": {"parameters": "a=b"},
    "a parameter that is a list": {"parameters": {"a": ["b"]}},
    "a parameter that is a number": {"parameters": {"a": 5}},
    "no timeout": {"timeout": None},
    "a timeout of httpx": {"timeout": httpx.Timeout(5)},
    "a timeout as text": {"timeout": "5"},
    "an empty client_id": {"client_id": ""},
    "another target": {"target": "scopes"},
}


@pytest.mark.parametrize("settings", WRONG.values(), ids=WRONG.keys())
def test_a_setting_of_the_wrong_kind_is_refused_at_once(world: World, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        world.oauth(**settings)
    assert refused.value.code == "unknown_setting"
    assert next(iter(settings)) in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("issuer", [None, ""])
def test_an_issuer_that_is_not_set_is_refused_at_once(world: World, issuer: str | None) -> None:
    """An environment variable that is unset, or set to nothing."""
    with pytest.raises(ConfigurationError) as refused:
        OAuthClient(issuer, client_id="svc", authentication=PrivateKeyJWT(world.key))
    assert refused.value.code == "no_issuer"


@dataclass(frozen=True)
class Unhashable(Grant):
    """It has a `__hash__`, which fails."""

    actors: Any
    grant_type = "urn:example:several"


class OnlyEqual(Grant):
    grant_type = "urn:example:equal"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


GRANTS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "a class": lambda: ClientCredentials,
    "its name": lambda: "client_credentials",
    "a list in it": lambda: Unhashable(["alice"]),
    "no hash": OnlyEqual,
}


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS.keys())
def test_a_grant_that_cannot_name_a_token_is_refused_at_once(world: World, grant: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        world.oauth().grant(grant(), Resource(ORDERS))
    assert refused.value.code == "unusable_grant"


@pytest.mark.parametrize("family", [httpx, httpx2])
def test_the_token_of_a_url_of_httpx_can_be_looked_at(world: World, family: Any) -> None:
    assert world.auth().token(family.URL(f"{ORDERS}/17#top")).scope == "orders.read"
