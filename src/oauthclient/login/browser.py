"""Opens the system's browser, never through a shell (RFC 8252, sections 4 and 8.7)."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from pathlib import PurePath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from oauthclient.errors import LoginError, NoBrowser
from oauthclient.login.surroundings import Surroundings
from oauthclient.protocol.text import sentence
from oauthclient.protocol.urls import is_loopback, split

if TYPE_CHECKING:
    from collections.abc import Iterator

# xdg-open and its like first: they know the person's choice. wslview opens the browser of the Windows around a WSL.
_GRAPHICAL: Final = (
    "xdg-open",
    "wslview",
    "x-www-browser",
    "firefox",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "brave-browser",
    "epiphany",
    "konqueror",
)
_IN_THE_TERMINAL: Final = frozenset(
    ("lynx", "w3m", "links", "links2", "elinks", "browsh", "carbonyl", "netrik", "www-browser", "sensible-browser")
)
_STRAY_PERCENT: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_SAFE: Final = "/?:@&=+,;%"  # beside letters, digits and -._~; what a shell would read as its own is not among them
_SETTLED: Final = 1.0  # seconds: a command that has not failed by then is a browser, or has found one


def openable(url: str, *, what: str) -> str:
    """`url`, written anew, if it is one that may be opened or shown for opening: https, or http on loopback.

    `what` names it in errors: "the authorization endpoint". Raises LoginError (`unopenable_url`): servers could name
    programs and files that way.
    """
    parts = split(url, what=what, error=LoginError, code="unopenable_url")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.host)):
        raise LoginError(f"{sentence(what)} cannot be opened: its scheme is not https.", code="unopenable_url")
    written = parts.origin + (_written(parts.path) or "/")
    if parts.query is not None:
        written += "?" + _written(parts.query)
    return written if parts.fragment is None else f"{written}#{_written(parts.fragment)}"


def require_browser(surroundings: Surroundings | None = None) -> None:
    """Raises NoBrowser, with the reason, where no browser that a person sees could be opened on this machine."""
    here = surroundings or Surroundings.here()
    reason = here.obstacle()
    if reason is None and not here.has_display() and not here.environ.get("BROWSER"):
        reason = "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if reason is None and here.platform != "win32" and not any(_commands("", here)):
        reason = "no graphical browser is installed"
    if reason is not None:
        raise NoBrowser(f"No browser can be opened: {reason}.")


def open_url(url: str, *, what: str = "the URL", surroundings: Surroundings | None = None) -> bool:
    """Open `url` in the system's browser, and return whether one took it, after a second at most.

    Raises LoginError (`unopenable_url`), see `openable`. The browser has neither our input nor our output.
    """
    here = surroundings or Surroundings.here()
    safe = openable(url, what=what)
    if sys.platform == "win32":
        import os

        try:
            os.startfile(safe)  # noqa: S606  # ShellExecute: the system's own way, and no shell
        except OSError:
            return False
        return True
    return any(_started(command, here) for command in _commands(safe, here))


def _written(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_SAFE)


def _commands(url: str, here: Surroundings) -> Iterator[list[str]]:
    """The command lines that open `url`, the best first. A browser of the terminal is none: we have the terminal."""
    for chosen in filter(None, here.environ.get("BROWSER", "").split(":")):
        try:
            words = shlex.split(chosen)
        except ValueError:
            continue  # a quotation mark that nothing closes
        words = [word for word in words if word != "&"]
        if words and PurePath(words[0]).name not in _IN_THE_TERMINAL and (program := here.find(words[0])):
            arguments = words[1:] if any("%s" in word for word in words) else [*words[1:], "%s"]
            yield [program, *(word.replace("%s", url) for word in arguments)]
    if here.platform == "darwin":
        yield ["/usr/bin/open", url]
        return
    if here.has_display():
        for name in _GRAPHICAL:
            if program := here.find(name):
                yield [program, url]


def _started(command: list[str], here: Surroundings) -> bool:
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603  # a program that the person or the system chose, a URL that we wrote
            command, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=dict(here.environ), start_new_session=True
        )
    except OSError:
        return False
    try:
        return process.wait(_SETTLED) == 0
    except subprocess.TimeoutExpired:
        # It is the browser itself. Somebody must hear of its end, or it stays as a zombie of ours.
        threading.Thread(target=process.wait, name="oauthclient-browser", daemon=True).start()
        return True
