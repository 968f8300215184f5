"""RFC 6749, section 3.2 and appendix B: requests as forms, in UTF-8, and nothing of them in a repr."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauthclient.errors import ConfigurationError
from oauthclient.protocol.wire import Form, Instant, Request, Response, get, post
from oauthclient.secret import Secret

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(texts, texts), unique_by=lambda pair: pair[0]))
def test_a_form_says_what_was_put_in_in_this_order(pairs: list[tuple[str, str]]) -> None:
    body = Form(pairs).encode()
    assert body.isascii()
    assert parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(pairs)) == pairs


def test_the_example_of_rfc_6749_appendix_b() -> None:
    assert Form([("v", " %&+£€")]).encode() == b"v=+%25%26%2B%C2%A3%E2%82%AC"


def test_a_name_may_stand_several_times() -> None:
    """RFC 8707, section 2: several resources."""
    form = Form([("resource", "https://a.example")])
    form.add([("resource", "https://b.example")])
    assert form.encode() == b"resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example"


def test_a_parameter_without_a_value_is_left_out() -> None:
    form = Form([("scope", ""), ("a", "1"), ("client_secret", Secret(""))])
    form.add([("audience", ""), ("b", "2")])
    assert form.encode() == b"a=1&b=2"


def test_half_a_surrogate_pair_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Form([("client_id", "svc"), ("client_secret", Secret("hunter2\udcff"))]).encode()
    assert refused.value.code == "not_unicode"
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert "hunter2" not in str(refused.value)
    assert "client_secret" in str(refused.value)


def test_the_body_tells_secrets_and_the_repr_does_not() -> None:
    form = Form([("client_id", "svc"), ("client_secret", Secret("hunter2"))])
    request = post("https://as.example.com/token?tenant=hunter2", form, {"DPoP": "hunter2"})
    assert b"hunter2" in request.body
    assert repr(form) == "Form(client_id, client_secret)"
    assert repr(request) == "<Request POST https://as.example.com/token>"


def test_a_response_shows_its_status_only() -> None:
    moment = Instant(0.0, 0.0)
    response = Response(200, {"x": "hunter2"}, b"hunter2", sent=moment, received=moment)
    assert repr(response) == "<Response 200>"


def test_json_is_always_asked_for() -> None:
    """Some servers answer form-encoded otherwise."""
    assert get("https://as.example.com/x").headers == {"Accept": "application/json"}
    request = post("https://as.example.com/token", Form(), {"DPoP": "p"})
    assert request.headers == {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "DPoP": "p",
    }
    assert isinstance(request, Request)
    assert request.method == "POST"


def test_a_grant_cannot_repeat_what_a_request_says() -> None:
    form = Form([("scope", "read"), ("resource", "https://a.example"), ("resource", "https://b.example")])
    form.add([("scope", "admin")])
    with pytest.raises(ConfigurationError) as refused:
        form.encode()
    assert refused.value.code == "repeated_parameter"
