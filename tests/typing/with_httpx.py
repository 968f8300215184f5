"""Typed use with httpx alone: both checkers accept it without an ignore, whether httpx2 is installed or not."""

from typing import assert_type

import httpx

from oauthclient import Auth, attach, not_repeated
from oauthclient.plugin.verdict import NotRepeated


def clients_take_the_auth_object(auth: Auth) -> None:
    with httpx.Client(auth=auth) as client:
        assert_type(client, httpx.Client)
        assert_type(client.get("https://api.example.com", auth=auth), httpx.Response)
    httpx.get("https://api.example.com", auth=auth)


async def async_clients_take_it_too(auth: Auth) -> None:
    async with httpx.AsyncClient(auth=auth) as client:
        assert_type(client, httpx.AsyncClient)
        assert_type(await client.get("https://api.example.com", auth=auth), httpx.Response)


def attach_keeps_the_type(auth: Auth) -> None:
    assert_type(attach(httpx.Client(), auth), httpx.Client)
    assert_type(attach(httpx.AsyncClient(), auth), httpx.AsyncClient)


class SDK(httpx.Client):
    """A client that somebody else made."""


def attach_keeps_the_type_of_a_subclass(auth: Auth, sdk: SDK) -> None:
    assert_type(attach(sdk, auth), SDK)


def a_verdict_is_typed(response: httpx.Response) -> None:
    assert_type(not_repeated(response), NotRepeated | None)


def an_auth_object_is_an_httpx_auth(auth: Auth) -> httpx.Auth:
    return auth
