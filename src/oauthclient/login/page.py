"""What a person sees in the browser when a login ends there (RFC 8252, section 7.3; RFC 9700, section 4.2)."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from oauthclient.errors import ErrorResponse, OAuthError
from oauthclient.login.look import HEADERS, ICONS, SCRIPT, STYLE
from oauthclient.protocol.text import shown

_CLOSE = "<footer>You can close this window.</footer>"


def head(status: int, *, location: str | None = None) -> bytes:
    """The status line and header section of a page, or all of an answer without one: it ends with the connection."""
    headers = HEADERS if location is None else (("Location", location), *HEADERS)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{fields}\r\n".encode()


def opening(app: str) -> bytes:
    """The beginning of every page for `app`; a `main` follows, or several: the last that has come is the one seen."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{_name(app)}: login</title><script>{SCRIPT}</script><style>{STYLE}</style></head><body>\n"
    ).encode()


def waiting(app: str) -> bytes:
    """The answer has come, and what it is worth is being found out."""
    return _main("calm wait", "wait", "One moment…", f"<p><strong>{_name(app)}</strong> is finishing the login.</p>")


def success(app: str) -> bytes:
    """The login is done."""
    return _main(
        "good", "good", "You are logged in", f"<p>Go back to <strong>{_name(app)}</strong> to continue.</p>{_CLOSE}"
    )


def failure(app: str, error: BaseException) -> bytes:
    """The login has failed. Of `error` only what is ours is shown: anything else could hold a secret."""
    told = ""
    if isinstance(error, ErrorResponse):
        told = _told(error.code, error.description or error.hint)
    elif isinstance(error, OAuthError):
        told = _told(error.code, str(error.args[0]))
    text = f"<p><strong>{_name(app)}</strong> did not get access. Go back to it to try again.</p>"
    return _main("bad", "bad", "The login did not work", f"{text}{told}{_CLOSE}")


def not_ours(app: str) -> bytes:
    """An answer that does not belong to the login that is under way."""
    text = (
        f"<p>What opened this page is not the answer that <strong>{_name(app)}</strong> is waiting for, so it was "
        "ignored.</p><p>If you are in the middle of a login, finish it in the window where it began.</p>"
    )
    return _main("calm", "calm", "Not part of this login", f"{text}{_CLOSE}")


def already_done(app: str) -> bytes:
    """An answer that comes when the login has ended."""
    text = f"<p>This login of <strong>{_name(app)}</strong> has ended. Nothing more is needed here.</p>"
    return _main("calm", "calm", "Already done", f"{text}{_CLOSE}")


def _main(tone: str, icon: str, heading: str, content: str) -> bytes:
    return f'<main class="{tone}" role="status">{ICONS[icon]}<h1>{heading}</h1>{content}</main>\n'.encode()


def _told(code: str, text: str) -> str:
    return f"<dl><dt>{escape(shown(code))}</dt><dd>{escape(shown(text))}</dd></dl>"


def _name(app: str) -> str:
    return escape(shown(app))
