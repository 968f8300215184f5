"""Which logins there are, and which URLs they serve: a plain file beside the sealed ones, with nothing secret in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from oauthclient.errors import ConfigurationError, ReauthenticationRequired, StorageTooNew, StorageUnreadable, UnsafeURL
from oauthclient.protocol.resources import Resource, ResourceMap
from oauthclient.protocol.urls import displayed, split
from oauthclient.storage.private_files import read_whole, replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from oauthclient.flows.server import Told

_VERSION: Final = 1
_LEASE_SECONDS: Final = 10.0
AUTH_METHODS: Final = ("tls_client_auth", "self_signed_tls_client_auth")
"""How a certificate authenticates a client (RFC 8705, sections 2.1.1 and 2.2.1)."""


class Login(NamedTuple):
    """One login, and the settings that it was made with, which every use of it needs again.

    `client_id`: who the command is at the server; `registered`: whether it registered itself as that. `key_file` and
    `secret_file`: where the credentials of a client that was registered by hand are read from. `bearer`: its tokens are
    bound to nothing. `certificate` and `certificate_key`: the files of the client certificate that they are bound to,
    with `dpop` to a key as well; `auth_method`: by which it also says who the client is. `ca`: a file of further CA
    certificates.
    """

    issuer: str
    profile: str
    client_id: str = ""
    registered: bool = True
    resources: tuple[Resource, ...] = ()
    scope: str = "openid"
    target: Told = "resource"
    bearer: bool = False
    store: str = "keyring"
    key_file: str | None = None
    secret_file: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    auth_method: str | None = None
    dpop: bool = False
    ca: str | None = None
    insecure_loopback: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    path: str | None = None

    def command(self) -> str:
        """What to type to log in again."""
        profile = "" if self.profile == "default" else f" --profile {self.profile}"
        return f"oauthclient login {self.issuer}{profile}"


class Ledger:
    """The logins that the file `logins.json` in `folder` names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "logins.json"

    def all(self) -> list[Login]:
        """All logins, by issuer and profile. Raises StorageUnreadable, StorageTooNew."""
        content = read_whole(self._file)
        if content is None:
            return []
        try:
            document = json.loads(content)
            version, members = document["version"], document["logins"]
            if isinstance(version, int) and version > _VERSION:
                raise StorageTooNew(f"{self._file} is of version {version}; this command reads version {_VERSION}.")
            return [_login(member) for member in members]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ConfigurationError):
            pass
        raise StorageUnreadable(
            f"{self._file} is damaged.", code="ledger_damaged", hint="Remove it, and log in again: that replaces it."
        )

    def find(self, issuer: str, profile: str) -> Login | None:
        """The login of this name, if there is one."""
        return next((login for login in self.all() if login[:2] == (issuer, profile)), None)

    def put(self, login: Login) -> None:
        """Note a login, in place of the one of that name. Raises StorageUnwritable, StorageBusy."""
        self._change(login.issuer, login.profile, login)

    def drop(self, login: Login) -> None:
        """Forget a login. Raises StorageUnwritable, StorageBusy."""
        self._change(login.issuer, login.profile, None)

    def serving(self, url: str, *, issuer: str | None, profile: str | None) -> Login:
        """The login whose resource `url` lies in; of several, the one that is named, or the profile `default`.

        Raises UnsafeURL, ReauthenticationRequired (`no_session`) and ConfigurationError (`several_logins`).
        """
        split(url, what="the URL of an API", error=UnsafeURL)
        fitting = [login for login in _named(self.all(), issuer, profile) if _serves(login, url)]
        if not fitting:
            named = "" if profile is None else f" in the profile {profile}"
            raise ReauthenticationRequired(
                f"There is no login for {displayed(url)}{named}.",
                code="no_session",
                hint=f"Log in: oauthclient login ISSUER --resource {displayed(url)}, or a shorter prefix of it.",
            )
        return _only(fitting)

    def chosen(self, *, issuer: str | None, profile: str | None) -> Login:
        """The login that is named, or the only one. Raises as `serving`, but for UnsafeURL."""
        fitting = _named(self.all(), issuer, profile)
        if not fitting:
            where = "" if issuer is None else f" at {displayed(issuer)}"
            named = "" if profile is None else f" in the profile {profile}"
            raise ReauthenticationRequired(
                f"There is no login{where}{named}.",
                code="no_session",
                hint="Log in: oauthclient login ISSUER --resource URL",
            )
        return _only(fitting)

    def _change(self, issuer: str, profile: str, login: Login | None) -> None:
        from oauthclient.storage.lease import lease_of

        lease = lease_of(self._folder / "logins.lock", "list of logins", timeout=_LEASE_SECONDS)
        try:
            logins = [other for other in self.all() if other[:2] != (issuer, profile)]
            if login is not None:
                logins.append(login)
            logins.sort(key=lambda known: known[:2])
            document = {"version": _VERSION, "logins": [_members(known) for known in logins]}
            replace_whole(self._file, json.dumps(document, indent=2).encode())
        finally:
            lease.release()


def _named(logins: Iterable[Login], issuer: str | None, profile: str | None) -> list[Login]:
    return [
        login
        for login in logins
        if (issuer is None or login.issuer == issuer) and (profile is None or login.profile == profile)
    ]


def _only(fitting: Sequence[Login]) -> Login:
    if len(fitting) > 1:
        fitting = [login for login in fitting if login.profile == "default"] or fitting
    if len(fitting) > 1:
        names = ", ".join(f"{login.issuer} (profile {login.profile})" for login in fitting)
        raise ConfigurationError(
            f"There are several logins for that: {names}.",
            code="several_logins",
            hint="Say which one: --issuer URL, --profile NAME.",
        )
    return fitting[0]


def _serves(login: Login, url: str) -> bool:
    return ResourceMap((resource, resource) for resource in login.resources).find(url) is not None


def _members(login: Login) -> dict[str, Any]:
    resources = [
        {"url": api.url, "identifier": api.identifier, "also": list(api.also), "scope": api.scope}
        for api in login.resources
    ]
    return {**login._asdict(), "resources": resources}


def _login(members: dict[str, Any]) -> Login:
    resources = tuple(Resource(api.pop("url"), **api) for api in members["resources"])
    login = Login(**{**members, "resources": resources})
    if not _sound(login):
        raise TypeError
    return login


def _sound(login: Login) -> bool:
    """Whether the values are of the kinds that they should be: a person may have edited the file."""
    texts = (login.issuer, login.profile, login.client_id, login.scope, login.store, login.host)
    paths = (login.key_file, login.secret_file, login.certificate, login.certificate_key, login.ca, login.path)
    flags = (login.registered, login.bearer, login.dpop, login.insecure_loopback)
    return (
        all(isinstance(text, str) for text in texts)
        and all(path is None or isinstance(path, str) for path in paths)
        and all(isinstance(flag, bool) for flag in flags)
        and isinstance(login.port, int)
        and login.target in ("resource", "audience", "scope")
        and login.auth_method in (None, *AUTH_METHODS)
    )
