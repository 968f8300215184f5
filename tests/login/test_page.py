"""The pages that end a login: nothing in them runs, loads or leaks (RFC 9700, section 4.2)."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ErrorResponse, Unreachable
from oauthclient.login import page

MAINS = {
    "waiting": page.waiting,
    "success": page.success,
    "failure": lambda app: page.failure(app, Unreachable("No answer.")),
    "not ours": page.not_ours,
    "already done": page.already_done,
}
every_page = pytest.mark.parametrize("main", MAINS.values(), ids=MAINS)


class Outline(HTMLParser):
    """The elements of a page in order, with their attributes, and their text. All must be closed in order."""

    VOID = ("meta",)

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside: list[str] = []
        self.feed(html.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._inside.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._inside.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts[self._inside[-1]] = self.texts.get(self._inside[-1], "") + data

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def outline(main, app="Acme CLI"):
    return Outline(page.opening(app) + main(app))


def headers():
    lines = page.head(200).decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lines[-2:] == ["", ""]
    return dict(line.split(": ", 1) for line in lines[1:-2])


@every_page
def test_the_policy_allows_exactly_our_own_style_and_script(main):
    seen = outline(main)
    policy = dict(part.strip().split(" ", 1) for part in headers()["Content-Security-Policy"].split(";"))
    for directive, element in (("script-src", "script"), ("style-src", "style")):
        digest = b64encode(sha256(seen.texts[element].encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
        assert len(seen.named(element)) == 1
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


def test_nothing_of_it_is_kept_or_passed_on() -> None:
    assert headers()["Cache-Control"] == "no-store"
    assert headers()["Referrer-Policy"] == "no-referrer"
    assert headers()["X-Content-Type-Options"] == "nosniff"
    assert headers()["Content-Type"] == "text/html; charset=utf-8"


@every_page
def test_a_page_loads_nothing_and_leads_nowhere(main):
    elements = outline(main).elements
    assert {attribute for _, attributes in elements for attribute in attributes} <= {
        *("lang", "charset", "name", "content", "class", "role", "aria-hidden"),  # nothing is fetched or run by these
        *("viewbox", "d"),
    }
    assert b"url(" not in page.opening("x")
    assert b"@import" not in page.opening("x")


@every_page
def test_a_page_can_be_read_aloud(main):
    seen = outline(main)
    assert seen.named("html") == [{"lang": "en"}]
    assert seen.texts["title"] == "Acme CLI: login"
    assert [attributes["role"] for attributes in seen.named("main")] == ["status"]
    assert len(seen.named("h1")) == 1
    assert seen.named("svg") == [{"viewbox": "0 0 24 24", "aria-hidden": "true"}]


@every_page
@given(app=st.text(max_size=400))
def test_a_name_changes_nothing_but_itself(main, app):
    assert outline(main, app).elements == outline(main).elements


@given(code=st.text(max_size=400), description=st.text(min_size=1, max_size=700))
def test_what_a_server_says_of_an_error_changes_nothing_but_itself(code, description):
    def failure(app):
        error = ErrorResponse("The server says no.", code=code)
        error.description = description
        return page.failure(app, error)

    seen = outline(failure)
    assert [name for name, _ in seen.elements[-7:]] == ["h1", "p", "strong", "dl", "dt", "dd", "footer"]
    for element in ("dt", "dd"):
        text = seen.texts.get(element, "")
        assert len(text) <= 300
        assert text.isprintable()


def test_an_error_of_the_server_is_told_in_its_words_and_one_of_ours_in_ours() -> None:
    denied = ErrorResponse(
        "The authorization server answered with the error access_denied: Ask Bob.", code="access_denied"
    )
    denied.description = "Ask Bob."
    seen = Outline(page.failure("Acme CLI", denied))
    assert (seen.texts["dt"], seen.texts["dd"]) == ("access_denied", "Ask Bob.")
    seen = Outline(page.failure("Acme CLI", Unreachable("as.example.com did not answer.", hint="Try later.")))
    assert (seen.texts["dt"], seen.texts["dd"]) == ("unreachable", "as.example.com did not answer.")


def test_a_foreign_error_is_not_told_at_all() -> None:
    assert b"<dl>" not in page.failure("Acme CLI", RuntimeError("secret"))


def luminance(colour):
    digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4))
    ]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_as_wcag_asks(scheme):
    light, dark = (
        dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6})", block))
        for block in page.opening("x").decode().split("@media (prefers-color-scheme: dark)")[:2]
    )
    colours = light if scheme == "light" else light | dark
    pairs = [("text", "card"), ("quiet", "card"), *((tone, f"{tone}-soft") for tone in ("good", "bad", "calm"))]
    pairs += [("text", "bad-soft")]
    for text, behind in pairs:
        assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
