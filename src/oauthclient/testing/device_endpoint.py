"""The device authorization endpoint, and the page where a person enters the code (RFC 8628, sections 3.1 to 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from oauthclient.testing.details import read_details
from oauthclient.testing.device_codes import DEVICE_CODE
from oauthclient.testing.endpoint import Endpoint
from oauthclient.testing.pages import consent_page, error_page, notice_page, user_code_page
from oauthclient.testing.parameters import first_values, form_parameters, query_parameters
from oauthclient.testing.refusal import RefusedError

if TYPE_CHECKING:
    from oauthclient.testing.authorization_server import AuthorizationServer
    from oauthclient.testing.device_codes import DeviceCodes, DeviceLogin
    from oauthclient.testing.http import Request, Response


class DeviceEndpoint:
    """Begins logins by way of another device; `approve` and `refuse` are the person there.

    `codes`: their lifetime and interval, and those that were issued. `tells_interval`: whether the answer names the
    interval, which is 5 seconds where it does not. `complete`: whether it has a `verification_uri_complete`.
    """

    def __init__(self, server: AuthorizationServer, codes: DeviceCodes, base: str) -> None:
        self.codes = codes
        self.tells_interval = True
        self.complete = True
        self.device_authorization_endpoint = f"{base}/device_authorization"
        self.verification_uri = f"{base}/device"
        self._server = server

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The two of them, by name."""
        return {
            "device": Endpoint(
                self.device_authorization_endpoint,
                self._begin,
                metadata=self._metadata,
                alias="device_authorization_endpoint",
            ),
            "verification": Endpoint(self.verification_uri, self._verify, ("GET", "POST"), refuse=_refuse),
        }

    def approve(self, user_code: str, *, subject: str | None = None) -> None:
        """Enter this code and say yes. Raises RefusedError for a code that nobody waits for."""
        self._agree(self._waiting(user_code), subject)

    def refuse(self, user_code: str, error: str = "access_denied") -> None:
        """Enter this code and end the login with this error. Raises RefusedError as `approve` does."""
        self._waiting(user_code).refusal = error

    def _metadata(self) -> dict[str, Any]:
        """Section 4."""
        return {"device_authorization_endpoint": self.device_authorization_endpoint}

    def _begin(self, request: Request) -> Response:
        """The codes for a request (sections 3.1 and 3.2)."""
        server = self._server
        client, parameters = server.authenticated(request)
        if not client.may_use(DEVICE_CODE):
            raise RefusedError("unauthorized_client", "The client is not registered for this grant type.")
        proof = server.proof(request)
        single = first_values(parameters)
        target = server.targets.authorize(parameters, client)
        details = single.get("authorization_details")
        asked = self.codes.issue(client, target, server.now())
        asked.prompt = frozenset(single.get("prompt", "").split())
        asked.acr = single.get("acr_values", "").partition(" ")[0] or None
        asked.login_hint = single.get("login_hint")
        if details is not None:
            asked.details = read_details(details, server.authorization.details_types)
        document: dict[str, Any] = {
            "device_code": asked.device_code,
            "user_code": asked.user_code,
            "verification_uri": self.verification_uri,
            "expires_in": self.codes.lifetime,
        }
        if self.tells_interval:
            document["interval"] = self.codes.interval
        if self.complete:
            document["verification_uri_complete"] = f"{self.verification_uri}?user_code={quote(asked.user_code)}"
        return server.answer(document, proof=proof)

    def _verify(self, request: Request) -> Response:
        """The pages of the person: the code, the question, and that they may go back to the device."""
        single = first_values(form_parameters(request) if request.method == "POST" else query_parameters(request))
        code = single.get("ticket") or single.get("user_code")
        if code is None:
            return user_code_page(self.verification_uri)
        asked = self._waiting(code)
        decision = single.get("decision") if request.method == "POST" else None  # a link alone decides nothing
        if decision is None:
            return consent_page(
                self.verification_uri,
                asked.user_code,
                client_id=asked.client.client_id,
                subject=self._subject(asked),
                scope=" ".join(sorted(asked.target.scope)),
            )
        if decision != "allow":
            asked.refusal = "access_denied"
            return notice_page("Not allowed", "You can close this page.")
        self._agree(asked, None)
        return notice_page("Allowed", "Go back to your device, and close this page.")

    def _agree(self, asked: DeviceLogin, subject: str | None) -> None:
        if self._server.person.refusal is not None:
            asked.refusal = self._server.person.refusal
        else:
            self.codes.agree(asked, subject=subject or self._subject(asked), now=self._server.now())

    def _subject(self, asked: DeviceLogin) -> str:
        return asked.login_hint or self._server.person.subject

    def _waiting(self, user_code: str) -> DeviceLogin:
        asked = self.codes.waiting(user_code, self._server.now())
        if asked is None:
            raise RefusedError("invalid_request", "No device waits with this code.")
        return asked


def _refuse(_request: Request, refused: RefusedError) -> Response:
    return error_page(refused.error, refused.description)
