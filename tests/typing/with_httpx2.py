"""Typed use with httpx2: both checkers accept it without an ignore."""

from typing import assert_type

import httpx2

from oauthclient import Auth, ClientCertificate, attach, not_repeated
from oauthclient.plugin.verdict import NotRepeated


def clients_take_the_auth_object(auth: Auth) -> None:
    with httpx2.Client(auth=auth) as client:
        assert_type(client, httpx2.Client)
        assert_type(client.get("https://api.example.com", auth=auth), httpx2.Response)


async def async_clients_take_it_too(auth: Auth) -> None:
    async with httpx2.AsyncClient(auth=auth) as client:
        assert_type(client, httpx2.AsyncClient)
        assert_type(await client.get("https://api.example.com", auth=auth), httpx2.Response)


def attach_keeps_the_type(auth: Auth) -> None:
    assert_type(attach(httpx2.Client(), auth), httpx2.Client)
    assert_type(attach(httpx2.AsyncClient(), auth), httpx2.AsyncClient)


def a_verdict_is_typed(response: httpx2.Response) -> None:
    assert_type(not_repeated(response), NotRepeated | None)


class SDK(httpx2.Client):
    """A client that somebody else made."""


async def clients_that_present_a_certificate_have_the_type_that_was_asked_for(
    certificate: ClientCertificate, auth: Auth
) -> None:
    assert_type(certificate.client(httpx2.Client, auth=auth, http2=True), httpx2.Client)
    assert_type(attach(certificate.client(SDK, trust_env=False), auth), SDK)
    async with certificate.client(httpx2.AsyncClient, auth=auth) as client:
        assert_type(client, httpx2.AsyncClient)
        assert_type(await client.get("https://api.example.com"), httpx2.Response)
