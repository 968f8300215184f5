"""One HTTP request, read from bytes (RFC 9112)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.login.request import LONGEST_BODY, LONGEST_HEAD, Request, read

GET = b"GET /cb?code=x HTTP/1.1\r\nHost: 127.0.0.1:8400\r\nAccept:\t*/* \r\n\r\n"
POST = b"POST /cb HTTP/1.1\r\nHost: 127.0.0.1:8400\r\ncontent-length: 6\r\n\r\ncode=x"


def test_a_request_is_read_as_it_was_sent() -> None:
    assert read(GET) == Request("GET", "/cb?code=x", (("host", "127.0.0.1:8400"), ("accept", "*/*")), b"")
    assert read(POST) == Request("POST", "/cb", (("host", "127.0.0.1:8400"), ("content-length", "6")), b"code=x")


def test_nothing_of_it_is_in_its_repr() -> None:
    assert repr(read(GET)) == "<GET request>"


@pytest.mark.parametrize("whole", [GET, POST])
def test_it_is_incomplete_until_its_last_octet(whole):
    assert [read(whole[:length]) for length in range(len(whole))] == [None] * len(whole)
    assert read(whole + b"and more") == read(whole)


def test_a_field_that_comes_twice_is_none() -> None:
    request = read(b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\nX: c\r\n\r\n")
    assert isinstance(request, Request)
    assert request.field("host") is None
    assert request.field("x") == "c"
    assert request.field("accept") is None


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),  # somebody speaks TLS
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\x00y\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", 400),  # "²" is a digit to some
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LONGEST_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 411),
        (b"GET /" + b"x" * LONGEST_HEAD, 431),
        (b"GET /" + b"x" * LONGEST_HEAD + b" HTTP/1.1\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_of_a_browser_is_refused(received, status):
    assert read(received) == status


def test_the_longest_of_each_part_still_passes() -> None:
    line = b"GET /%s HTTP/1.1" % (b"x" * (LONGEST_HEAD - 14))
    assert len(line) == LONGEST_HEAD
    assert isinstance(read(line + b"\r\n\r\n"), Request)
    body = b"x" * LONGEST_BODY
    assert isinstance(read(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)), Request)


@given(
    st.binary(max_size=200) | st.binary(max_size=60).map(lambda octets: b"GET / HTTP/1.1\r\n" + octets + b"\r\n\r\n")
)
def test_no_octets_make_it_stumble(received):
    assert isinstance(read(received), Request | int | None)
