"""What a person reads who logs in by way of another device (RFC 8628, sections 3.3, 3.3.1 and 5.4)."""

import pytest

from oauthclient.errors import LoginError
from oauthclient.login.device_prompt import device_prompt
from oauthclient.login.qr import terminal_qr

PAGE = "https://as.example.com/device"
COMPLETE = f"{PAGE}?user_code=WDJB-MJHT"


def test_the_code_and_the_page_stand_out() -> None:
    assert device_prompt("WDJB-MJHT", app="Acme CLI", verification_uri=PAGE, expires_in=900) == (
        "To log in to Acme CLI, open this page in a browser, on any device:\n"
        "\n"
        "    https://as.example.com/device\n"
        "\n"
        "and enter this code:\n"
        "\n"
        "    WDJB-MJHT\n"
        "\n"
        "Only go on if you started this login yourself. The code is good for 15 minutes.\n"
    )


def test_the_uri_that_holds_the_code_is_shown_as_a_qr_code_only() -> None:
    def prompt(**options):
        return device_prompt(
            "WDJB-MJHT",
            app="Acme CLI",
            verification_uri=PAGE,
            verification_uri_complete=COMPLETE,
            expires_in=900,
            **options,
        )

    without, with_code = prompt(), prompt(qr=True, unicode=True)
    assert COMPLETE not in without + with_code
    assert with_code.startswith(without)
    assert with_code.endswith(f"\n\nOr scan this, and check that the page shows WDJB-MJHT:\n\n{QR}\n")
    assert prompt(qr=True).isascii()


QR = terminal_qr(COMPLETE, unicode=True)


def test_without_a_complete_uri_there_is_no_qr_code() -> None:
    assert "scan" not in device_prompt("X", app="A", verification_uri=PAGE, expires_in=900, qr=True)


@pytest.mark.parametrize(
    ("seconds", "span"), [(1, "1 second"), (90, "90 seconds"), (120, "2 minutes"), (1799.6, "30 minutes")]
)
def test_the_time_left_is_said_as_people_say_it(seconds, span):
    assert f"The code is good for {span}." in device_prompt("X", app="A", verification_uri=PAGE, expires_in=seconds)


def test_a_server_cannot_rewrite_the_terminal() -> None:
    text = device_prompt("W\x1b[2JDJB\r\n\u202eX", app="A\x1b]0;x\x07", verification_uri=PAGE, expires_in=900)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "\r" not in text
    assert len(text.splitlines()) == 9


@pytest.mark.parametrize(
    "uri", ["http://as.example.com/device", "file:///etc/passwd", "https://as.example.com/\x1b[2J"]
)
@pytest.mark.parametrize("which", ["verification_uri", "verification_uri_complete"])
def test_a_page_that_is_not_safe_to_open_is_not_shown(uri, which):
    uris = {"verification_uri": PAGE, "verification_uri_complete": COMPLETE, which: uri}
    with pytest.raises(LoginError) as refused:
        device_prompt("X", app="A", expires_in=900, qr=True, **uris)
    assert refused.value.code == "unopenable_url"
    assert "\x1b" not in str(refused.value)
