"""What a start pays, each time in an interpreter of its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import oauthclient

_HEAVY = {"joserfc", "cryptography", "keyring", "asyncio"}
_WRITTEN_FIRST = (
    "OAuthClient",
    "DPoP",
    "Bearer",
    "Resource",
    "PrivateKeyJWT",
    "SigningKey",
    "ClientSecretBasic",
    "PublicClient",
    "SelfIssuedAssertion",
)


def loaded_by(program: str) -> set[str]:
    """The modules that `program` loads beside those that httpx has loaded before."""
    whole = f"import sys, httpx\nbefore = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before))"
    return set(subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_adds_one_module_to_httpx() -> None:
    assert loaded_by("import oauthclient") == {"oauthclient"}


@pytest.mark.parametrize("name", _WRITTEN_FIRST)
def test_a_name_that_users_write_first_loads_nothing_but_modules_of_ours(name: str) -> None:
    loaded = loaded_by(f"from oauthclient import {name}")
    assert len(loaded) > 1
    assert [module for module in loaded if module.partition(".")[0] != "oauthclient"] == []


def test_no_client_pays_for_keys_or_event_loops_before_its_first_request() -> None:
    loaded = loaded_by(
        "from oauthclient import ClientSecretPost, OAuthClient, Resource\n"
        "secret = ClientSecretPost('x' * 32)\n"
        "oauth = OAuthClient('https://as.example.com', client_id='stock-sync', authentication=secret)\n"
        "oauth.client_credentials(Resource('https://api.example.com/orders'))"
    )
    assert "oauthclient.plugin.auth" in loaded
    assert {module.partition(".")[0] for module in loaded} & _HEAVY == set()


def test_the_names_are_sorted_and_each_is_there() -> None:
    assert oauthclient.__all__ == sorted(oauthclient.__all__)
    for name in oauthclient.__all__:
        assert getattr(oauthclient, name).__name__ == name
        assert name in dir(oauthclient)


def test_type_checkers_see_every_name_where_it_is_loaded_from() -> None:
    tree = ast.parse(Path(oauthclient.__file__).read_text())
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("oauthclient.")
        for alias in node.names
    }
    assert seen == oauthclient._ROOM_OF
    assert sorted(seen) == oauthclient.__all__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'OAuthServer'"):
        _ = oauthclient.OAuthServer
