import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oauthclient import ConfigurationError, OAuthError, ReauthenticationRequired, Resource, UnsafeURL
from oauthclient.cli.ledger import Ledger, Login

_A, _B = "https://a.example", "https://b.example"


def login(issuer: str = _A, profile: str = "default", *urls: str) -> Login:
    return Login(issuer, profile, "client", resources=tuple(Resource(url) for url in urls))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "made")


def test_what_is_put_is_found_as_it_was(ledger: Ledger) -> None:
    resource = Resource("https://api.example", identifier="urn:api:1", also="https://other.example/x", scope="a b")
    made = Login(_A, "work", "client", registered=False, resources=(resource,), ca="/etc/ca.pem", port=8400, path="/x")

    ledger.put(made)

    assert ledger.all() == [made]
    assert ledger.find(_A, "work") == made
    assert ledger.find(_A, "default") is None


def test_a_login_replaces_the_one_of_its_name_and_no_other(ledger: Ledger) -> None:
    for known in login(_B), login(_A, "work"), login(_A), login(_A, "default", "https://api.example"):
        ledger.put(known)

    assert ledger.all() == [login(_A, "default", "https://api.example"), login(_A, "work"), login(_B)]
    ledger.drop(login(_A, "work"))
    assert [known.issuer for known in ledger.all()] == [_A, _B]


def test_logins_made_at_the_same_time_are_all_kept(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.put(login(profile=f"p{number}")), range(16)))

    assert len(ledger.all()) == 16


def test_a_url_leads_to_the_login_whose_resource_it_lies_in(ledger: Ledger) -> None:
    ledger.put(login(_A, "default", "https://api.example/a"))
    ledger.put(login(_B, "default", "https://api.example/b"))

    assert ledger.serving("https://api.example/b/1?x=y", issuer=None, profile=None).issuer == _B
    with pytest.raises(ReauthenticationRequired, match=r"no login for https://api\.example/ab") as raised:
        ledger.serving("https://api.example/ab?secret=1", issuer=None, profile=None)
    assert "secret" not in str(raised.value)


def test_of_several_logins_the_default_profile_counts_unless_another_is_named(ledger: Ledger) -> None:
    url = "https://api.example"
    for profile in ("default", "work"):
        ledger.put(login(_A, profile, url))
    assert ledger.serving(url, issuer=None, profile=None).profile == "default"
    assert ledger.serving(url, issuer=None, profile="work").profile == "work"

    ledger.put(login(_B, "default", url))
    with pytest.raises(ConfigurationError) as raised:
        ledger.serving(url, issuer=None, profile=None)
    assert raised.value.code == "several_logins"
    assert ledger.serving(url, issuer=_B, profile=None).issuer == _B


def test_without_a_url_the_only_login_counts(ledger: Ledger) -> None:
    with pytest.raises(ReauthenticationRequired):
        ledger.chosen(issuer=None, profile=None)
    ledger.put(login(_A, "work"))
    assert ledger.chosen(issuer=None, profile=None).profile == "work"
    with pytest.raises(ReauthenticationRequired, match=f"no login at {_B} in the profile x"):
        ledger.chosen(issuer=_B, profile="x")


@pytest.mark.parametrize(
    "url", ["", "orders", "https://user@api.example/", "https://api.example/%2e%2e/x", "https://é/"]
)
def test_a_url_that_can_be_read_in_two_ways_leads_nowhere(ledger: Ledger, url: str) -> None:
    ledger.put(login(_A, "default", "https://api.example"))
    with pytest.raises(UnsafeURL):
        ledger.serving(url, issuer=None, profile=None)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ledger_damaged"),
        (b"{", "ledger_damaged"),
        (b"[]", "ledger_damaged"),
        (b"\xff", "ledger_damaged"),
        (b"[" * 100_000, "ledger_damaged"),
        (b'{"version": 1}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": 7, "profile": "", "resources": []}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": "", "profile": "", "resources": [{"url": "x"}]}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": "", "profile": "", "resources": [{}]}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": "", "profile": "", "resources": [], "more": 1}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": "", "profile": "", "resources": [], "port": "x"}]}', "ledger_damaged"),
        (b'{"version": 1, "logins": [{"issuer": "", "profile": "", "resources": [], "target": 1}]}', "ledger_damaged"),
        (b'{"version": 2, "logins": {}}', "storage_too_new"),
    ],
)
def test_a_file_that_is_none_is_an_error_and_stays(ledger: Ledger, tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "made").mkdir()
    file = tmp_path / "made" / "logins.json"
    file.write_bytes(content)

    for use in ledger.all, lambda: ledger.put(login()), lambda: ledger.drop(login()):
        with pytest.raises(OAuthError) as raised:
            use()
        assert raised.value.code == code
    assert file.read_bytes() == content


def test_the_file_is_one_that_a_person_can_read(ledger: Ledger, tmp_path: Path) -> None:
    ledger.put(login(_A, "default", "https://api.example"))

    document = json.loads((tmp_path / "made" / "logins.json").read_text())
    assert document["version"] == 1
    assert document["logins"][0]["resources"][0]["url"] == "https://api.example"
