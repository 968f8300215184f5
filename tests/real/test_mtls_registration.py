"""An app that registers itself by its client certificate, and rotates it, at the real server: RFC 8705, 2; RFC 7592."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oauthclient import (
    ClientCertificate,
    ErrorResponse,
    MutualTLS,
    NativeApp,
    Resource,
    SelfSignedTLSClientAuth,
    Session,
    TLSClientAuth,
    Vault,
)
from oauthclient.protocol.certificate_authentication import NamedBy
from tests.real.certificates import Issued
from tests.real.certified import SPIFFE_ID
from tests.real.harness import Ground, RealServer
from tests.real.native_app import app_at, logged_in
from tests.real.wallet import called

Make = Callable[..., NativeApp]


def read(issued: Issued) -> ClientCertificate:
    return ClientCertificate.from_files(issued.chain_file, issued.key_file)


@pytest.fixture
def app(tmp_path: Path, real: RealServer) -> Iterator[Make]:
    """Makes the app, as another process would. All of them are closed at the end."""
    made: list[NativeApp] = []

    def make(authentication: Any = None, *, certificate: ClientCertificate | None = None) -> NativeApp:
        made.append(
            app_at(
                real,
                authentication=authentication,
                binding=MutualTLS(certificate or authentication.certificate),
                resources=[Resource(real.resource("mtls"), scope="read")],
                verify=str(real.ca),
                vault=Vault.file(tmp_path / "acme", key=b"k" * 32),
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def restored(app: NativeApp) -> Session:
    session = app.restore()
    assert session is not None
    return session


def refreshed(real: RealServer, session: Session, certificate: ClientCertificate) -> int:
    """The answer of the API to a token that was just asked for; once for each session, or it would be a storm."""
    real.distrust()
    return called(real, session, certificate).status_code


def refused(real: RealServer, session: Session, certificate: ClientCertificate) -> str:
    with pytest.raises(ErrorResponse) as caught:
        refreshed(real, session, certificate)
    return caught.value.code


def test_by_a_self_signed_certificate_and_on_to_the_next_with_both_registered_at_once(
    real: RealServer, ground: Ground, app: Make
) -> None:
    first, following = (read(ground.issue("native-tls")) for _ in range(2))
    session = logged_in(real, app(SelfSignedTLSClientAuth(first)))
    assert called(real, session, first).json()["token"]["cnf"] == {"x5t#S256": first.current().x5t_s256}
    assert refreshed(real, session, first) == 200
    assert refused(real, restored(app(SelfSignedTLSClientAuth(following))), following) == "invalid_client"

    both = app(SelfSignedTLSClientAuth(first)).registration.rotate_certificate(following, keep_former=True)
    assert sum("x5c" in jwk for jwk in both.jwks) == 2
    assert both.client_id == session.client_id
    assert refreshed(real, restored(app(SelfSignedTLSClientAuth(first))), first) == 200
    running = app(SelfSignedTLSClientAuth(following))
    assert refreshed(real, restored(running), following) == 200

    alone = running.registration.rotate_certificate()
    assert [jwk["x5c"] for jwk in alone.jwks if "x5c" in jwk] == [list(following.current().x5c)]
    assert refreshed(real, restored(running), following) == 200
    assert refused(real, restored(app(SelfSignedTLSClientAuth(first))), first) == "invalid_client"
    assert logged_in(real, running).client_id == session.client_id


NAMES: list[tuple[NamedBy, str]] = [
    ("subject_dn", ""),
    ("san_dns", "service.example.com"),
    ("san_uri", SPIFFE_ID),
    ("san_email", "service@example.com"),
]


@pytest.mark.parametrize(("named_by", "value"), NAMES)
def test_by_each_name_that_an_authority_vouches_for(
    real: RealServer, ground: Ground, app: Make, named_by: NamedBy, value: str
) -> None:
    certificate = read(ground.issue("tls-san"))
    session = logged_in(real, app(TLSClientAuth(certificate, named_by=named_by)))
    assert called(real, session, certificate).status_code == 200
    registered = app(TLSClientAuth(certificate)).registration.show()
    assert registered is not None
    told = {name: text for name, text in registered.metadata.items() if name.startswith("tls_client_auth_")}
    assert told == {f"tls_client_auth_{named_by}": value or certificate.current().subject}
    another = read(ground.issue("tls-san"))  # of the same name: nothing is to be registered
    assert refreshed(real, restored(app(TLSClientAuth(another))), another) == 200


def test_another_name_takes_the_place_of_the_former(real: RealServer, ground: Ground, app: Make) -> None:
    first, other = read(ground.issue("tls")), read(ground.issue("tls-san"))
    session = logged_in(real, app(TLSClientAuth(first)))
    assert refused(real, restored(app(TLSClientAuth(other))), other) == "invalid_client"
    app(TLSClientAuth(first)).registration.rotate_certificate(other)
    assert refreshed(real, restored(app(TLSClientAuth(other))), other) == 200
    assert refused(real, restored(app(TLSClientAuth(first))), first) == "invalid_client"

    by_dns = TLSClientAuth(other, named_by="san_dns")
    registration = app(by_dns).registration.rotate_certificate()
    assert registration.metadata["tls_client_auth_san_dns"] == "service.example.com"
    assert registration.metadata.get("tls_client_auth_subject_dn") is None
    assert refreshed(real, restored(app(by_dns)), other) == 200
    assert registration.client_id == session.client_id


def test_an_app_that_is_known_by_its_key_registers_for_tokens_that_the_certificate_binds(
    real: RealServer, ground: Ground, app: Make
) -> None:
    certificate = read(ground.issue("native-tls"))
    session = logged_in(real, app(certificate=certificate))
    assert session.x5t_s256 == certificate.current().x5t_s256
    assert called(real, session, certificate).json()["token"]["cnf"] == {"x5t#S256": session.x5t_s256}
    registered = app(certificate=certificate).registration.show()
    assert registered is not None
    assert registered.token_endpoint_auth_method == "private_key_jwt"
    assert registered.metadata["tls_client_certificate_bound_access_tokens"] is True
    assert not registered.metadata.get("dpop_bound_access_tokens")
    another = read(ground.issue("native-tls"))
    assert refreshed(real, restored(app(certificate=another)), another) == 200
