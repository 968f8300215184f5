"""What a person reads who logs in by way of another device (RFC 8628, sections 3.3, 3.3.1 and 5.4)."""

from __future__ import annotations

from typing import Final

from oauthclient.login.browser import openable
from oauthclient.login.qr import terminal_qr
from oauthclient.protocol.text import shown

_MINUTE: Final = 60


def device_prompt(
    user_code: str,
    *,
    app: str,
    verification_uri: str,
    verification_uri_complete: str | None = None,
    expires_in: float,
    qr: bool = False,
    unicode: bool = False,
) -> str:
    """The text to show, with a final newline. What comes from the server is shown without control characters.

    `expires_in`: seconds. `qr`: show the `verification_uri_complete`, if there is one, as a QR code; never as text,
    since a link that holds the code is what phishers send (section 5.4). `unicode`: as for `terminal_qr`.

    Raises LoginError (`unopenable_url`), and what `terminal_qr` raises.
    """
    code = shown(user_code)
    lines = [
        f"To log in to {shown(app)}, open this page in a browser, on any device:",
        "",
        f"    {openable(verification_uri, what='the verification_uri')}",
        "",
        "and enter this code:",
        "",
        f"    {code}",
        "",
        f"Only go on if you started this login yourself. The code is good for {_span(expires_in)}.",
    ]
    if qr and verification_uri_complete is not None:
        url = openable(verification_uri_complete, what="the verification_uri_complete")
        lines += ["", f"Or scan this, and check that the page shows {code}:", "", terminal_qr(url, unicode=unicode)]
    return "\n".join(lines) + "\n"


def _span(seconds: float) -> str:
    whole, unit = (round(seconds / _MINUTE), "minute") if seconds >= 2 * _MINUTE else (round(seconds), "second")
    return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"
