"""`oauthclient status`: what is kept here, and what that is good for; nothing is sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from oauthclient.cli import look
from oauthclient.cli.failures import LOGIN_REQUIRED, exit_code
from oauthclient.cli.login import person
from oauthclient.cli.options import an_issuer, json_option, profile_option
from oauthclient.errors import OAuthError

if TYPE_CHECKING:
    from oauthclient.cli.ledger import Login
    from oauthclient.cli.place import Place
    from oauthclient.native.session import Session

_CHANGED: Final = "The login is bound to another client certificate than the one there is now."


@click.command
@an_issuer
@profile_option
@json_option
@click.pass_obj
def status(place: Place, /, *, issuer: str | None, profile: str | None, json_: bool) -> int:
    """Show who is logged in where, and for what. Nothing is sent.

    The exit code is 3 if there is no login, or none that can go on without its person.
    """
    logins = [
        login for login in place.ledger.all() if issuer in (None, login.issuer) and profile in (None, login.profile)
    ]
    found = [_described(place, login) for login in logins]
    if json_:
        look.as_json([document for document, _ in found])
    elif not logins:
        look.say("There is no login.")
    for number, (document, _) in enumerate(() if json_ else found):
        if number:
            click.echo()
        _show(document)
    codes = [code for _, code in found]
    return 0 if 0 in codes else max(codes, default=LOGIN_REQUIRED)


def _described(place: Place, login: Login) -> tuple[dict[str, Any], int]:
    """One login as a document, and the exit code that it stands for."""
    document: dict[str, Any] = {
        "issuer": login.issuer,
        "profile": login.profile,
        "client_id": login.client_id,
        "registered": login.registered,
        "store": login.store,
    }
    try:
        session = place.session(login)
    except OAuthError as error:
        return {**document, "usable": False, "problem": error.message, "code": error.code}, exit_code(error)
    now = time.time()
    tokens = []
    for target, scope in session.granted:
        expires_at = session.expires.get(target)
        fresh = target in session.expires and (expires_at is None or expires_at > now)
        tokens.append({"target": target, "scope": scope, "fresh": fresh, "expires_at": expires_at})
    certificate = place.certificate(login) if session.x5t_s256 else None
    if certificate is not None:
        from oauthclient.cli.certificate import described

        document["certificate"] = described(certificate)
        if certificate.current().x5t_s256 != session.x5t_s256 and _is_public(place, login):
            document |= {"usable": False, "problem": _CHANGED, "code": "certificate_changed"}
            return document, LOGIN_REQUIRED
    usable = session.refreshable or any(token["fresh"] for token in tokens)
    document |= {
        "usable": usable,
        "subject": session.subject,
        "person": person(session),
        "sender_constrained": session.sender_constrained,
        "bound_to": _constraints(session, login),
        "refreshable": session.refreshable,
        "granted": tokens,
    }
    return document, 0 if usable else LOGIN_REQUIRED


def _is_public(place: Place, login: Login) -> bool:
    """Whether its refresh token is bound to the certificate, which that of another client is not (RFC 8705, 4)."""
    from oauthclient.protocol.authentication import PublicClient

    if not login.registered:
        return not (login.key_file or login.secret_file or login.auth_method)
    found = place.app(login).registration.show()
    return found is not None and found.token_endpoint_auth_method == PublicClient.method


def _show(document: dict[str, Any]) -> None:
    kind = "good" if document["usable"] else "bad"
    profile = "" if document["profile"] == "default" else f" (profile {document['profile']})"
    click.echo(f"{look.mark(kind)} {document['issuer']}{profile}")
    if "problem" in document:
        look.facts([("problem", document["problem"]), ("kept in", _store(document))])
        return
    how = "registered itself" if document["registered"] else "registered by hand"
    look.facts(
        [
            ("person", document["person"]),
            ("client", f"{document['client_id']} ({how})"),
            ("kept in", _store(document)),
            ("tokens bound", _bound(document)),
            ("certificate", _certificate(document)),
            ("stays logged in", "yes" if document["refreshable"] else "no: it ends with its access tokens"),
            *((token["target"], _token(token)) for token in document["granted"]),
        ]
    )


def _constraints(session: Session, login: Login) -> list[str]:
    if not session.x5t_s256:
        return ["key"] if session.sender_constrained else []
    return ["certificate", "key"] if login.dpop else ["certificate"]


def _bound(document: dict[str, Any]) -> str:
    words = {"key": "to a key on this machine (DPoP)", "certificate": "to the client certificate"}
    if "certificate" in document:
        words["certificate"] += f" (x5t#S256 {document['certificate']['x5t#S256']})"
    return ", and ".join(words[name] for name in document["bound_to"]) or "to nothing: bearer tokens"


def _certificate(document: dict[str, Any]) -> str:
    certificate = document.get("certificate")
    if certificate is None:
        return ""
    return f"{certificate['subject']}, valid until {look.moment(certificate['not_after'])}"


def _store(document: dict[str, Any]) -> str:
    return "the keyring" if document["store"] == "keyring" else "sealed files"


def _token(token: dict[str, Any]) -> str:
    scope = f"{token['scope']}; " if token["scope"] else ""
    if not token["fresh"]:
        return f"{scope}token fetched when needed"
    if token["expires_at"] is None:
        return f"{scope}token without an end"
    return f"{scope}token for another {look.span(token['expires_at'] - time.time())}"
