"""The system's browser: what is opened, with what, and when there is none (RFC 8252, sections 4 and 8.7)."""

import os
import stat
import sys
import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import LoginError, NoBrowser
from oauthclient.login import browser
from oauthclient.login.browser import open_url, openable, require_browser
from oauthclient.login.surroundings import Surroundings

URL = "https://as.example.com/authorize?client_id=c&request_uri=urn%3Aexample%3A1"
DESKTOP = {"DISPLAY": ":0"}
INSTALLED = ("firefox",)
posix = pytest.mark.skipif(os.name != "posix", reason="scripts stand for browsers")


def machine(environ=DESKTOP, *, platform="linux", installed=INSTALLED, files=()):
    paths = {name: name if "/" in name else f"/usr/bin/{name}" for name in installed}
    return Surroundings(environ, platform, files.__contains__, paths.get)


def commands(here, url=URL):
    return list(browser._commands(url, here))


@pytest.mark.parametrize(
    ("url", "written"),
    [
        (URL, URL),
        ("HTTPS://AS.Example.com:443", "https://as.example.com/"),
        ("http://127.0.0.1:8400/x", "http://127.0.0.1:8400/x"),
        ("http://[::1]:8400/x", "http://[::1]:8400/x"),
        ("http://localhost/x", "http://localhost/x"),
        ("https://as.example.com/a'b?q=`id`$(id)|x\"y", "https://as.example.com/a%27b?q=%60id%60%24%28id%29%7Cx%22y"),
        ("https://as.example.com/%2f%zz%?100%", "https://as.example.com/%2f%25zz%25?100%25"),
        ("https://as.example.com/x?y#part", "https://as.example.com/x?y#part"),
    ],
)
def test_a_url_is_written_anew(url, written):
    assert openable(url, what="the URL") == written


@pytest.mark.parametrize(
    "url",
    [
        "http://as.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ms-settings://x",
        "vscode://vscode.git/clone",
        "--help",
        "-P https://as.example.com",
        "//as.example.com/",
        "https:as.example.com",
        "https://alice@as.example.com/",
        "https://as.example.com/\r\nx",
        "https://as.example.com/a b",
        "https://as.example.com\\@evil.example/",
        "https://127.0.0.1.evil.example:x/",
        "http://127.0.0.1.evil.example/",
        "",
        None,
        17,
    ],
)
def test_what_is_no_url_of_the_web_is_not_opened(url):
    with pytest.raises(LoginError) as refused:
        open_url(url, what="the verification_uri", surroundings=machine())
    assert refused.value.code == "unopenable_url"
    assert "verification_uri" in str(refused.value)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_a_url_written_anew_means_the_same_and_holds_nothing_for_a_shell(query):
    query = query.replace("#", "").replace("%", "%25")
    written = openable(f"https://as.example.com/?{query}", what="the URL")
    assert unquote(written.partition("?")[2]) == unquote(query)
    assert set(written).isdisjoint("'\"`$<>|\\(){}[]^*! ")


def test_the_persons_own_choice_comes_first_then_the_systems() -> None:
    here = machine(
        {**DESKTOP, "BROWSER": "opera --new:vivaldi %s --private"}, installed=("opera", "vivaldi", "xdg-open")
    )
    assert commands(here) == [
        ["/usr/bin/opera", "--new", URL],
        ["/usr/bin/vivaldi", URL, "--private"],
        ["/usr/bin/xdg-open", URL],
    ]


@pytest.mark.parametrize("choice", ["lynx", "/usr/bin/w3m -o x=1", "www-browser", "not-there", "'open", "", ":", "&"])
def test_a_browser_of_the_terminal_or_none_at_all_does_not_count(choice):
    here = machine({**DESKTOP, "BROWSER": choice}, installed=("lynx", "/usr/bin/w3m", "www-browser", "firefox"))
    assert commands(here) == [["/usr/bin/firefox", URL]]


def test_a_choice_that_holds_shell_is_but_words() -> None:
    here = machine({**DESKTOP, "BROWSER": "firefox %s; rm -rf x &"})
    assert commands(here)[0] == ["/usr/bin/firefox", f"{URL};", "rm", "-rf", "x"]


def test_a_mac_has_open() -> None:
    assert commands(machine({}, platform="darwin", installed=())) == [["/usr/bin/open", URL]]


@pytest.mark.parametrize(
    ("environ", "files", "reason"),
    [
        ({**DESKTOP, "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}, (), "an SSH session (SSH_CONNECTION is set)"),
        ({**DESKTOP, "SSH_TTY": "/dev/pts/0"}, (), "an SSH session (SSH_TTY is set)"),
        ({**DESKTOP, "CODESPACES": "true"}, (), "a GitHub codespace"),
        ({**DESKTOP, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, (), "a Kubernetes pod"),
        ({**DESKTOP, "container": "podman"}, (), "a container (container=podman)"),
        (DESKTOP, ("/.dockerenv",), "a container (/.dockerenv is there)"),
        (DESKTOP, ("/run/.containerenv",), "a container"),
        ({}, (), "no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
        ({"BROWSER": "lynx"}, (), "no graphical browser is installed"),
    ],
)
def test_where_no_browser_helps_the_reason_and_both_ways_out_are_said(environ, files, reason):
    with pytest.raises(NoBrowser) as none:
        require_browser(machine(environ, files=files, installed=("firefox", "lynx")))
    assert reason in str(none.value)
    assert "--no-browser" in none.value.hint
    assert "--device" in none.value.hint
    assert none.value.code == "no_browser"


def test_without_a_browser_installed_there_is_none() -> None:
    with pytest.raises(NoBrowser, match="no graphical browser"):
        require_browser(machine(installed=("lynx", "w3m", "www-browser")))


@pytest.mark.parametrize(
    "here",
    [
        machine(),
        machine({"WAYLAND_DISPLAY": "wayland-0"}),
        machine({"WSL_DISTRO_NAME": "Debian"}, installed=("wslview",)),
        machine({"BROWSER": "my-browser"}, installed=("my-browser",)),
        machine({**DESKTOP, "container": "flatpak"}),
        machine({**DESKTOP, "CODESPACES": "false"}),
        machine({**DESKTOP, "SSH_CONNECTION": ""}),
        machine({}, platform="darwin", installed=()),
        machine({}, platform="win32", installed=()),
        machine({}, platform="darwin", files=("/.dockerenv",)),
    ],
)
def test_on_a_persons_desktop_there_is_one(here):
    require_browser(here)


def test_the_surroundings_of_this_process_are_read() -> None:
    here = Surroundings.here()
    assert here.environ is os.environ
    assert here.platform == sys.platform
    assert here.exists(__file__)
    assert here.find("no-such-command") is None


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Makes a command that stands for a browser."""

    def make(body, name="firefox"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def with_browsers(*paths):
    return Surroundings({**os.environ, **DESKTOP, "BROWSER": ":".join(paths)}, "linux", lambda _: False, with_slash)


def with_slash(command):
    return command if "/" in command else None


@posix
def test_the_browser_gets_the_url_as_one_word_and_nothing_of_our_terminal(script, tmp_path, capfd):
    told = tmp_path / "told"
    path = script(f'echo noise; echo noise >&2; read line; printf "%s|" "$@" "$line" > {told}')
    assert open_url("https://as.example.com/a'b?x=1&y=$(id)", surroundings=with_browsers(path))
    assert told.read_text() == "https://as.example.com/a%27b?x=1&y=%24%28id%29||"
    assert capfd.readouterr() == ("", "")


@posix
def test_where_one_browser_fails_the_next_is_tried(script, tmp_path):
    told = tmp_path / "told"
    failing, good = script("exit 3", "one"), script(f"touch {told}", "two")
    assert open_url(URL, surroundings=with_browsers(failing, good))
    assert told.exists()
    assert not open_url(URL, surroundings=with_browsers(failing))
    assert not open_url(URL, surroundings=with_browsers("/not/there"))


@posix
def test_a_browser_that_stays_is_not_waited_for_and_leaves_no_zombie(script, tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "_SETTLED", 0.2)
    pid = tmp_path / "pid"
    started = time.monotonic()
    assert open_url(URL, surroundings=with_browsers(script(f"echo $$ > {pid}; exec sleep 1")))
    assert time.monotonic() - started < 0.9
    for _ in range(100):
        try:
            os.kill(int(pid.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the browser has ended, and its process is still there")
