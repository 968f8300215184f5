"""The authorization endpoint, and its answers (RFC 6749, 3.1 and 4.1.2; RFC 9101; RFC 9207; JARM)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from oauthclient.jose import jwt
from oauthclient.jose.algorithms import SIGNING
from oauthclient.jose.kinds import JARM_RESPONSE
from oauthclient.testing.authorization_request import (
    RESPONSE_MODES,
    RefusedOnTheWayBackError,
    read_authorization_request,
)
from oauthclient.testing.http import Response
from oauthclient.testing.pages import consent_page, error_page, form_post_page
from oauthclient.testing.parameters import first_values, form_parameters, query_parameters
from oauthclient.testing.refusal import RefusedError
from oauthclient.testing.request_objects import RequestObjects

if TYPE_CHECKING:
    from oauthclient.testing.authorization_request import AuthorizationRequest, WayBack
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.clients import Client
    from oauthclient.testing.http import Request
    from oauthclient.testing.parameters import Parameters

_JARM_LIFETIME = 600  # seconds (JARM, section 2.1)


class AuthorizationEndpoint:
    """Takes authorization requests: in the URL or a form, signed (RFC 9101), pushed (RFC 9126).

    `iss`: its answers name the issuer (RFC 9207). `require_signed_request_object`: others are refused. `details_types`:
    the types of `authorization_details` that it knows, None for any. `request_objects`: what they must say.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self.iss = True
        self.require_signed_request_object = False
        self.details_types: set[str] | None = None
        self.request_objects = RequestObjects({server.issuer})
        self._server = server
        self._asking: dict[str, AuthorizationRequest] = {}

    def metadata(self) -> dict[str, Any]:
        """What the metadata says of it."""
        return {
            "authorization_endpoint": self._server.authorization_endpoint,
            "response_types_supported": ["code"],
            "response_modes_supported": list(RESPONSE_MODES),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.iss,
            "request_parameter_supported": True,
            "request_uri_parameter_supported": False,
            "require_signed_request_object": self.require_signed_request_object,
            "request_object_signing_alg_values_supported": list(self.request_objects.algorithms),
            "authorization_signing_alg_values_supported": list(SIGNING),
            "authorization_details_types_supported": None if self.details_types is None else sorted(self.details_types),
        }

    def respond(self, request: Request) -> Response:
        """Send the browser back with a code, or show the page that asks the person first."""
        parameters = form_parameters(request) if request.method == "POST" else query_parameters(request)
        single = first_values(parameters)
        ticket, button = single.get("ticket"), single.get("decision", "deny")
        asked = self._asked(parameters) if ticket is None else self._asking.pop(ticket, None)
        if asked is None:
            raise RefusedError("invalid_request", "The page was sent before.")
        try:
            return self._decided(asked, request, button=None if ticket is None else button)
        except RefusedError as refused:
            raise RefusedOnTheWayBackError(refused, asked.way_back) from None

    def refuse(self, _request: Request, refused: RefusedError) -> Response:
        """Tell the client where it is known whom to tell, else the person (RFC 6749, section 4.1.2.1)."""
        if not isinstance(refused, RefusedOnTheWayBackError):
            return error_page(refused.error, refused.description, refused.status or 400)
        return self._send(refused.way_back, {"error": refused.error, "error_description": refused.description})

    def read(self, parameters: Parameters, client: Client, *, jkt: str | None = None) -> AuthorizationRequest:
        """The request in these parameters, or in the request object among them."""
        compact = parameters.get("request")
        if compact is not None:
            parameters = self.request_objects.read(compact[0], client, now=self._server.now())
        elif self.require_signed_request_object or client.require_signed_request_object:
            raise RefusedError("invalid_request", "The request must be signed (RFC 9101, 10.5).")
        return read_authorization_request(
            parameters, client, targets=self._server.targets, details_types=self.details_types, jkt=jkt
        )

    def _asked(self, parameters: Parameters) -> AuthorizationRequest:
        single = first_values(parameters)
        client = self._server.clients.get(single.get("client_id", ""))
        if client is None:
            raise RefusedError("invalid_request", "The client_id is missing or unknown.")
        if "request_uri" in single:
            return self._server.pushed_requests.take(single["request_uri"], client.client_id)
        if self._server.pushed_requests.required or client.require_pushed_authorization_requests:
            raise RefusedError("invalid_request", "The request must be pushed (RFC 9126, 4).")
        return self.read(parameters, client)

    def _decided(self, asked: AuthorizationRequest, request: Request, *, button: str | None) -> Response:
        """What follows from what the person says. `button`: what was pressed on the page, None before it was shown."""
        server = self._server
        if button not in {None, "allow"}:
            raise RefusedError("access_denied", "The person at the keyboard said no.")
        now = server.now()
        decision = server.person.decide(asked, request, now)
        if server.person.asked and button is None and "none" not in asked.prompt:
            ticket = secrets.token_urlsafe(16)
            self._asking[ticket] = asked
            return consent_page(
                server.authorization_endpoint,
                ticket,
                client_id=asked.way_back.client.client_id,
                subject=decision.subject,
                scope=" ".join(sorted(asked.target.scope)),
            )
        code = server.codes.issue(asked, subject=decision.subject, auth_time=decision.auth_time, now=now)
        return self._send(asked.way_back, {"code": code})

    def _send(self, way_back: WayBack, answer: dict[str, str]) -> Response:
        """The answer on its way through the browser, in the mode that was asked for."""
        issuer = self._server.issuer
        if way_back.state is not None:
            answer["state"] = way_back.state
        mode, _, signed = way_back.response_mode.partition(".")
        if signed:
            key = self._server.keys.signing(way_back.client.authorization_signed_response_alg)
            exp = int(self._server.now()) + _JARM_LIFETIME
            claims = {"iss": issuer, "aud": way_back.client.client_id, "exp": exp, **answer}
            answer = {"response": jwt.issue(JARM_RESPONSE, key, claims)}
        elif self.iss:
            answer["iss"] = issuer
        if mode == "form_post":
            return form_post_page(way_back.redirect_uri, answer.items())
        separator = "&" if "?" in way_back.redirect_uri else "?"
        # 303, for a redirect that repeats a POST would hand on what the person typed (RFC 9700, section 4.12).
        location = f"{way_back.redirect_uri}{separator}{urlencode(answer)}"
        return Response(303, (("Location", location), ("Cache-Control", "no-store")))
