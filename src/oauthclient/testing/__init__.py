"""An authorization server and APIs in the process, for tests: strict, and able to misbehave on command."""

from oauthclient.testing import misbehaviour
from oauthclient.testing.api import ProtectedAPI
from oauthclient.testing.authorization_server import AuthorizationServer
from oauthclient.testing.bystander import Bystander
from oauthclient.testing.clients import Client
from oauthclient.testing.clock import Clock
from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.grants import Grant, GrantRequest
from oauthclient.testing.http import NO_ANSWER, Cut, Pause, Request, Response
from oauthclient.testing.logins import Login
from oauthclient.testing.loopback import LoopbackPort
from oauthclient.testing.network import Network
from oauthclient.testing.nonces import Nonces
from oauthclient.testing.person import NoWayBackError, Person
from oauthclient.testing.records import Exchange
from oauthclient.testing.refresh_tokens import RefreshToken
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.tokens import IssuedToken

__all__ = [
    "NO_ANSWER",
    "AuthorizationServer",
    "Bystander",
    "Client",
    "Clock",
    "Cut",
    "Endpoint",
    "Exchange",
    "Grant",
    "GrantRequest",
    "IssuedToken",
    "Login",
    "LoopbackPort",
    "Network",
    "NoWayBackError",
    "Nonces",
    "Pause",
    "Person",
    "ProtectedAPI",
    "RefreshToken",
    "RefusedError",
    "Request",
    "Response",
    "misbehaviour",
]
