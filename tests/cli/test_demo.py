import re
import sys

from oauthclient.cli.narration.terminal import Terminal
from oauthclient.cli.story import Story
from oauthclient.testing import Response
from tests.cli.conftest import Stage

_JWT = re.compile(r"eyJ[\w-]{6,}")


def test_the_demo_tells_all_of_it_and_shows_no_secret(stage: Stage) -> None:
    told = stage.run("demo", COLUMNS="100")

    assert (told.returncode, told.stderr) == (0, "")
    assert re.findall(r"^━━ (\d+)  (.+?) ━+$", told.stdout, re.MULTILINE) == [
        ("1", "What the server says of itself"),
        ("2", "The app registers itself"),
        ("3", "What the person is to be asked"),
        ("4", "The person, in the browser"),
        ("5", "The code becomes tokens"),
        ("6", "Whose signature an ID token bears"),
        ("7", "A call, with its proof"),
        ("8", "The second API: another token of the same login"),
        ("9", "A thief"),
        ("10", "Logged out"),
    ]
    assert "✗" not in told.stdout
    assert told.stdout.count("✓ 401") == 2
    assert "✓ ReauthenticationRequired" in told.stdout
    assert _JWT.findall("".join(told.stdout.split())) == []


def test_the_demo_shows_no_token_code_or_key_of_its_server(capsys) -> None:
    with Story(Terminal(sys.stdout, {"TERM": "dumb"})) as story:
        story.tell()
    told = "".join(capsys.readouterr().out.split())

    requests = [seen.request.body.decode() for seen in story._server.requests]
    secrets = [token.access_token for token in story._server.tokens.issued]
    for name in ("code", "code_verifier", "refresh_token", "client_assertion", "token"):
        secrets += re.findall(rf"(?:^|&){name}=([^&]+)", "&".join(requests))
    assert len(secrets) > 8
    assert [secret for secret in secrets if secret in told] == []


def test_a_thief_who_succeeds_fails_the_demo(capsys) -> None:
    with Story(Terminal(sys.stdout, {})) as story:
        api = next(host for host in story._network.hosts if getattr(host, "url", "") == story._stock.url)
        api.amend(lambda _refusal: Response(200), status=401, times=None)
        story.tell()

    assert story.faults == 2
    assert "✗ 200" in capsys.readouterr().out
