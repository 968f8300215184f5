"""Typed use of `oauthclient.testing`, as in the tests of a program."""

from typing import assert_type

import httpx
import httpx2

from oauthclient import OAuthClient, PrivateKeyJWT, Resource, SigningKey
from oauthclient.testing import AuthorizationServer, Exchange, LoopbackPort, Network, ProtectedAPI, misbehaviour

key = SigningKey.generate()
server = AuthorizationServer("https://as.example.com")
server.register("svc", key=key)
server.nonces.mode = "required"
server.tokens.format = "reference"
api = ProtectedAPI(server, "https://api.example.com", scope="read")
network = Network(server, api, delay=0.01)

assert_type(network.transport(), httpx.MockTransport)
assert_type(network.transport2(), httpx2.MockTransport)
oauth = OAuthClient(server.issuer, client_id="svc", authentication=PrivateKeyJWT(key), transport=network.transport())
auth = oauth.client_credentials(Resource(api.url))
with httpx.Client(auth=auth, transport=network.transport()) as http:
    http.get(api.url)
with httpx2.Client(auth=auth, transport=network.transport2()) as http2:
    http2.get(api.url)

api.instead(misbehaviour.challenge('DPoP error="invalid_token"'), times=None)
server.amend(misbehaviour.members(expires_in=misbehaviour.OMIT))
assert_type(api.requests, list[Exchange])
assert_type(api.requests[0].status, int)

with LoopbackPort() as port:
    assert_type(port.url, str)
    port.serve(network)
