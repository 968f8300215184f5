"""The pages that the embedded server shows in a browser, and how a test reads them (form_post response mode, 2)."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

from oauthclient.testing.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Fields = list[tuple[str, str]]

_HEADERS = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}}"
    "button{{font:inherit;padding:.4rem 1.2rem;margin-right:.5rem}}</style>"
    "<h1>{title}</h1>{body}</html>"
)


class Form(NamedTuple):
    """The form of a page: where it is sent, and its hidden fields in order."""

    action: str
    fields: Fields


def form_post_page(action: str, fields: Iterable[tuple[str, str]]) -> Response:
    """A page that sends itself on to the client."""
    script = "<script>document.forms[0].submit()</script>"
    return _page(200, "Back to the application", _form(action, fields, {"": "Continue"}) + script)


def consent_page(action: str, ticket: str, *, client_id: str, subject: str, scope: str) -> Response:
    """A page that asks a person."""
    wants = f"<p>{escape(client_id)} asks {escape(subject)} for: {escape(scope or 'nothing by name')}.</p>"
    buttons = {"allow": "Allow", "deny": "Deny"}
    return _page(200, "Allow access?", wants + _form(action, [("ticket", ticket)], buttons))


def user_code_page(action: str) -> Response:
    """A page where a person enters the code that a device shows them (RFC 8628, section 3.3)."""
    field = '<p><label>Code on your device <input name="user_code" autocomplete="off" autofocus></label></p>'
    return _page(200, "Connect a device", _form(action, (), {"": "Continue"}, field))


def notice_page(title: str, sentence: str) -> Response:
    """A page that ends something."""
    return _page(200, title, f"<p>{escape(sentence)}</p>")


def error_page(error: str, description: str, status: int = 400) -> Response:
    """A page that says why nothing can be sent to the client (RFC 6749, section 4.1.2.1)."""
    return _page(status, "That did not work", f"<p><code>{escape(error)}</code>: {escape(description)}</p>")


def read_form(response: Response) -> Form | None:
    """The form of a page, or None where there is none."""
    if not isinstance(response.body, bytes) or "html" not in (response.header("Content-Type") or ""):
        return None
    reader = _Reader()
    reader.feed(response.body.decode())
    return None if reader.action is None else Form(reader.action, reader.fields)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: Fields = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action")
        elif tag == "input" and given.get("name"):
            self.fields.append((given["name"] or "", given.get("value") or ""))


def _page(status: int, title: str, body: str) -> Response:
    return Response(status, _HEADERS, _PAGE.format(title=title, body=body).encode())


def _form(action: str, fields: Iterable[tuple[str, str]], buttons: Mapping[str, str], visible: str = "") -> str:
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields)
    pressed = "".join(
        f"<button{f' name=decision value={value}' if value else ''}>{label}</button>"
        for value, label in buttons.items()
    )
    return f'<form method="post" action="{escape(action)}">{hidden}{visible}{pressed}</form>'
