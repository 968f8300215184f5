"""A native app of ours at the real server, and a person who says yes at once."""

import threading
from collections.abc import Callable
from re import search
from typing import Any

import httpx

from oauthclient import NativeApp, Resource, Session
from tests.real.harness import RealServer
from tests.real.person import Form, Person


def app_at(real: RealServer, **settings: Any) -> NativeApp:
    usual: dict[str, Any] = {"name": "Acme CLI", "verify": real.tls}
    usual["resources"] = [Resource(real.resource("a"), scope="read"), Resource(real.resource("b"), scope="admin")]
    return NativeApp(real.issuer, **(usual | settings))


def called(real: RealServer, session: Session, name: str = "a") -> httpx.Response:
    with httpx.Client(auth=session.auth, verify=real.tls) as api:
        return api.get(real.resource(name))


def visited(real: RealServer, url: str, *, user: str = "") -> None:
    """What a browser of a person who says yes does with a URL, up to the page that the app shows."""
    with Person(real, user=user) as person, httpx.Client(follow_redirects=True, trust_env=False) as rest:
        answer = person.follow(url)
        if answer.is_redirect:
            rest.get(answer.headers["Location"])
        else:
            form = Form(answer.text)
            rest.post(form.action, data=form.fields)


def answered(person: Person, url: str) -> None:
    """The same in the browser of somebody who may be logged in there already."""
    httpx.get(person.authorize(url), follow_redirects=True, trust_env=False)


def logged_in(
    real: RealServer, app: NativeApp, *, user: str = "", visit: Callable[[str], None] | None = None, **how: Any
) -> Session:
    """A login by a person who says yes at once."""
    open_it = visit or (lambda url: visited(real, url, user=user))
    threads: list[threading.Thread] = []

    def tell(text: str) -> None:
        url = search(r"https://\S+", text)
        if url is not None:
            threads.append(threading.Thread(target=open_it, args=(url[0],)))
            threads[-1].start()

    try:
        return app.login(open_browser=False, tell=tell, **({"prompt": "consent"} | how))
    finally:
        for thread in threads:
            thread.join(20)
