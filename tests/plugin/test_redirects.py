"""A hop carries a token only inside the resource of the request the program made (RFC 9700, section 4.9)."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from oauthclient import OAuthError, RedirectLeftResource, Resource, attach
from oauthclient.jose.proof import Prover
from oauthclient.testing import Bystander, misbehaviour
from tests.doors import Api, Door
from tests.world import BILLS, ELSEWHERE, ORDERS, STOCK, World, outcomes

INSIDE = f"{ORDERS}/landed?x=1"
FINE = (200, None)


def to(url: str, status: int = 307, base: str = ORDERS) -> str:
    return f"{base}/redirect?to={quote(url, safe='')}&status={status}"


@pytest.fixture
def attached(world: World, door: Door) -> Api:
    return world.open(door, attached=True, follow_redirects=True)


@pytest.fixture
def following(world: World, door: Door) -> Api:
    """A client with `auth=` alone that follows redirects on its own."""
    return world.open(door, follow_redirects=True)


# With attach(): each hop is signed once, when its URL is known.


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_hop_inside_the_resource_is_signed_once_with_a_proof_of_its_own(
    world: World, attached: Api, status: int
) -> None:
    answer = attached.get(to(INSIDE, status))
    assert (answer.status_code, answer.json()["url"]) == (200, INSIDE)
    assert outcomes(world.orders) == [(status, None), FINE]
    first, second = (seen.proof for seen in world.orders.requests)
    assert first
    assert second
    assert (first["htu"], second["htu"]) == (f"{ORDERS}/redirect", f"{ORDERS}/landed")
    assert first["jti"] != second["jti"]


def test_a_post_keeps_its_body_over_a_307_and_becomes_a_get_over_a_303(world: World, attached: Api) -> None:
    assert attached.post(to(f"{ORDERS}/echo"), content=b"body").content == b"body"
    answer = attached.post(to(INSIDE, 303), content=b"body")
    assert answer.json()["method"] == "GET"
    assert [seen.proof["htm"] for seen in world.orders.requests if seen.proof] == ["POST", "POST", "POST", "GET"]


@pytest.mark.parametrize("url", [ELSEWHERE, f"{ELSEWHERE}/orders", "https://api.example.com/other"])
def test_a_hop_out_of_the_resource_goes_without_token_and_proof(world: World, attached: Api, url: str) -> None:
    other = Bystander("https://api.example.com/other")
    world.network.hosts.append(other)
    assert attached.get(to(url)).status_code == 200
    assert len(world.elsewhere.requests) + len(other.requests) == 1
    assert not world.elsewhere.credentials_seen
    assert not other.credentials_seen


def test_another_resource_of_ours_is_outside_too(world: World, attached: Api) -> None:
    """Or an API could aim our token for another one, with a method and a body of its choosing."""
    attached.get(STOCK)
    answer = attached.post(to(f"{STOCK}/9"), content=b"level=0")
    assert answer.status_code == 401
    assert world.stock.requests[-1].access_token is None
    assert world.stock.requests[-1].request.header("DPoP") is None


def test_a_narrower_resource_inside_the_wider_one_is_another_one(world: World, door: Door) -> None:
    auth = world.oauth().client_credentials(Resource("https://api.example.com", identifier=ORDERS), Resource(STOCK))
    api = door.client(auth, world.network, attached=True, follow_redirects=True)
    assert api.get(to(f"{STOCK}/9")).status_code == 401
    assert world.stock.requests[-1].access_token is None
    assert api.get(to(INSIDE)).status_code == 200


def test_what_has_left_its_resource_gets_no_token_when_it_comes_back(world: World, attached: Api) -> None:
    world.elsewhere.instead(misbehaviour.redirect(INSIDE))
    assert attached.get(to(ELSEWHERE)).status_code == 401
    assert world.orders.requests[-1].access_token is None


def test_a_redirect_from_outside_is_not_signed_inside(world: World, door: Door) -> None:
    api = door.client(world.auth(outside="anonymous"), world.network, attached=True, follow_redirects=True)
    world.elsewhere.instead(misbehaviour.redirect(INSIDE))
    assert api.get(ELSEWHERE).status_code == 401
    assert world.orders.requests[-1].access_token is None


def test_a_downgrade_to_http_goes_without_token_and_proof(world: World, attached: Api) -> None:
    clear = Bystander("http://api.example.com")
    world.network.hosts.append(clear)
    assert attached.get(to("http://api.example.com/orders/17")).status_code == 200
    assert clear.requests
    assert not clear.credentials_seen


@pytest.mark.parametrize("url", ["https://api.example.com/orders/%2e%2e/stock", "https://me@api.example.com/orders/1"])
def test_a_hop_to_a_url_that_could_be_read_in_two_ways_goes_without_credentials(
    world: World, attached: Api, url: str
) -> None:
    userinfo = Bystander("https://me@api.example.com")
    world.network.hosts.append(userinfo)
    attached.get(to(url))
    assert not userinfo.credentials_seen
    assert [seen.request.url for seen in world.orders.requests if seen.scheme == "dpop"] == [to(url)]


def test_a_redirected_hop_is_repeated_for_a_nonce_body_and_all(world: World, attached: Api) -> None:
    world.orders.nonces.mode = "required"
    attached.get(ORDERS)
    world.orders.requests.clear()
    world.orders.instead(_redirect_and_roll(world))
    assert attached.post(ORDERS, content=b"body").content == b"body"
    assert outcomes(world.orders) == [(307, None), (401, "use_dpop_nonce"), FINE]
    assert {seen.request.body for seen in world.orders.requests} == {b"body"}


def test_a_generator_is_not_repeated_on_a_redirected_hop_either(world: World, attached: Api) -> None:
    """Httpx itself cannot send a used-up generator on: it says so."""
    with pytest.raises(attached.door.family.StreamConsumed):
        attached.post(to(f"{ORDERS}/echo"), content=attached.door.generator(b"once"))


def test_attaching_twice_signs_once(world: World, attached: Api) -> None:
    auth = world.auth()
    assert attach(attached.client, auth) is attached.client
    assert len(attached.client.event_hooks["request"]) == 1
    assert attached.get(to(INSIDE)).status_code == 200
    assert outcomes(world.orders) == [(307, None), FINE]


def test_each_hop_costs_one_signature(world: World, attached: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    attached.get(ORDERS)
    signed: list[object] = []
    sign = Prover.proof
    monkeypatch.setattr(Prover, "proof", lambda *arguments: signed.append(arguments) or sign(*arguments))
    attached.get(to(INSIDE))
    assert len(signed) == 2


def test_attaching_keeps_the_hooks_of_the_user(world: World, door: Door) -> None:
    seen: list[str] = []

    def hook(request: Any) -> None:
        seen.append(str(request.url))

    async def hook_async(request: Any) -> None:
        hook(request)

    hooks = {"request": [hook_async if door.loop else hook]}
    api = world.open(door, attached=True, follow_redirects=True, event_hooks=hooks)
    assert api.get(to(INSIDE)).status_code == 200
    assert seen == [to(INSIDE), INSIDE]


def test_an_attached_client_does_not_follow_unless_the_user_says_so(world: World, door: Door) -> None:
    assert world.open(door, attached=True).get(to(INSIDE)).status_code == 307


def test_a_request_without_auth_is_not_signed_on_its_way(world: World, attached: Api) -> None:
    world.elsewhere.instead(misbehaviour.redirect(INSIDE))
    assert attached.get(ELSEWHERE, auth=None).status_code == 401
    assert world.orders.requests[-1].access_token is None


# With auth= alone: a failed hop inside is repaired, one that left is reported, as httpx follows before we see it.


@pytest.mark.parametrize("status", [302, 307])
def test_a_followed_hop_inside_the_resource_is_repaired(world: World, following: Api, status: int) -> None:
    answer = following.get(to(INSIDE, status))
    assert (answer.status_code, answer.json()["url"]) == (200, INSIDE)
    assert outcomes(world.orders) == [(status, None), (401, "invalid_dpop_proof"), FINE]


def test_a_repaired_hop_keeps_its_body_and_learns_a_nonce(world: World, following: Api) -> None:
    world.orders.nonces.mode = "required"
    following.get(ORDERS)
    world.orders.requests.clear()
    assert following.post(to(f"{ORDERS}/echo"), content=b"body").content == b"body"
    world.orders.instead(_redirect_and_roll(world))
    assert following.post(ORDERS, content=b"body").content == b"body"


@pytest.mark.parametrize("url", [ELSEWHERE, STOCK, "https://api.example.com/other"])
def test_a_followed_hop_that_left_the_resource_is_reported_and_the_token_is_spent(
    world: World, following: Api, url: str
) -> None:
    world.network.hosts.append(Bystander("https://api.example.com/other"))
    with pytest.raises(RedirectLeftResource) as report:
        following.get(to(f"{url}?secret=1"))
    assert isinstance(report.value, OAuthError)
    assert report.value.code == "redirect_left_resource"
    assert "attach" in report.value.hint
    assert "secret" not in str(report.value)
    spent = world.orders.requests[-1].access_token
    assert following.get(ORDERS).status_code == 200
    assert world.orders.requests[-1].access_token != spent


def test_a_followed_hop_that_left_and_came_back_is_reported_too(world: World, following: Api) -> None:
    world.elsewhere.instead(misbehaviour.redirect(INSIDE))
    with pytest.raises(RedirectLeftResource):
        following.get(to(ELSEWHERE))


# Not followed: the user sends `next_request` on.


@pytest.mark.parametrize("options", [{}, {"attached": True}])
def test_a_next_request_inside_the_resource_is_signed_anew(world: World, door: Door, options: dict[str, bool]) -> None:
    api = world.open(door, **options)
    answer = api.post(to(f"{ORDERS}/echo"), content=b"body")
    assert api.send(answer.next_request).content == b"body"
    assert outcomes(world.orders) == [(307, None), FINE]


@pytest.mark.parametrize("options", [{}, {"attached": True}])
@pytest.mark.parametrize("url", [ELSEWHERE, f"{STOCK}/9", BILLS])
def test_a_next_request_that_leaves_the_resource_goes_without_token_and_proof(
    world: World, door: Door, options: dict[str, bool], url: str
) -> None:
    api = world.open(door, **options)
    answer = api.send(api.get(to(url)).next_request)
    assert answer.status_code == (200 if url == ELSEWHERE else 401)
    assert not world.elsewhere.credentials_seen
    assert not [seen for host in (world.stock, world.bills) for seen in host.requests if seen.access_token]


def test_next_requests_that_left_the_resource_stay_without_a_token_when_they_come_back(world: World, api: Api) -> None:
    world.elsewhere.instead(misbehaviour.redirect(f"{STOCK}/9"))
    first = api.send(api.get(to(ELSEWHERE)).next_request)
    assert api.send(first.next_request).status_code == 401
    assert world.stock.requests[-1].access_token is None


def test_the_next_request_of_an_anonymous_one_goes_without_a_token(world: World, door: Door) -> None:
    api = door.client(world.auth(outside="anonymous"), world.network)
    world.elsewhere.instead(misbehaviour.redirect(f"{STOCK}/9"))
    answer = api.get(ELSEWHERE)
    assert api.send(answer.next_request).status_code == 401
    assert world.stock.requests[-1].access_token is None


def test_a_downgraded_next_request_goes_without_token_and_proof(world: World, api: Api) -> None:
    clear = Bystander("http://api.example.com")
    world.network.hosts.append(clear)
    answer = api.get(to("http://api.example.com/orders/17"))
    assert api.send(answer.next_request).status_code == 200
    assert not clear.credentials_seen


def _redirect_and_roll(world: World) -> Any:
    """A redirect to the echo, after which only a new nonce will do."""

    def answer(_: object) -> Any:
        world.orders.nonces.roll(forget=True)
        return misbehaviour.redirect(f"{ORDERS}/echo")

    return answer


def test_attach_learns_the_nonce_before_a_hook_of_the_programs_raises(world: World) -> None:
    """`raise_for_status` in a response hook keeps the auth flow from seeing the 401; the next request must fit."""
    world.orders.nonces.mode = "required"
    with httpx.Client(
        transport=world.network.transport(), event_hooks={"response": [lambda answer: answer.raise_for_status()]}
    ) as client:
        attach(client, world.auth())
        with pytest.raises(httpx.HTTPStatusError):
            client.get(ORDERS)
        assert client.get(ORDERS).status_code == 200
