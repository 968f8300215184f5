import re
from pathlib import Path

import pytest

from oauthclient import errors
from oauthclient.cli import failures
from oauthclient.cli.failures import complain, exit_code

_DOCUMENTED = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
_ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.OAuthError)]
# Of OAuth itself, answered by servers (RFC 6750, section 3.1; RFC 8707, section 2), or of the command alone.
_OTHERS = {"insufficient_scope", "invalid_target", "invalid_dpop_proof"}


@pytest.mark.parametrize("code", sorted(failures._HINTS.keys() - _OTHERS))
def test_each_code_that_has_a_hint_of_its_own_exists(code: str) -> None:
    assert f"`{code}`" in _DOCUMENTED


@pytest.mark.parametrize("hint", sorted({*failures._HINTS.values()}))
def test_hints_speak_of_options_and_not_of_python(hint: str) -> None:
    assert not re.search(r"\w\(|\w=\w|True|None", hint)


@pytest.mark.parametrize("kind", _ALL)
def test_each_error_has_an_exit_code_of_its_family(kind: type[errors.OAuthError]) -> None:
    families = {
        errors.ReauthenticationRequired: 3,
        errors.ErrorResponse: 4,
        errors.RegistrationLost: 4,
        errors.AuthorizationServerError: 5,
        errors.TLSFailed: 5,
        errors.StorageError: 6,
        errors.OAuthError: 1,
    }
    assert exit_code(kind("why")) == next(code for family, code in families.items() if issubclass(kind, family))


def test_a_complaint_is_a_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    complain("It failed.", hint="Try again.")
    complain("It failed.", hint="DPoP(...)", code="algorithm_not_offered")

    assert capsys.readouterr().err == "oauthclient: It failed.\n  Try again.\noauthclient: It failed.\n"
