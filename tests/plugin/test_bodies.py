"""A body is sent whole or not at all: what cannot be sent twice is never sent half, or empty."""

import io
import tempfile
from typing import Any

import pytest

from oauthclient import NotRepeated, not_repeated
from oauthclient.testing import misbehaviour
from tests.doors import Api, Door
from tests.world import ORDERS, Machine, World

ECHO = f"{ORDERS}/echo"
CONTENT = b"0123456789" * 20_000  # several chunks of httpx's


class OneWay(io.BytesIO):
    """A file like a pipe."""

    def seekable(self) -> bool:
        return False

    def seek(self, *arguments: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


REPLAYABLE: dict[str, dict[str, Any]] = {
    "bytes": {"content": CONTENT},
    "text": {"content": "text"},
    "json": {"json": {"level": 3}},
    "form": {"data": {"level": "3"}},
    "nothing": {},
    "multipart of bytes": {"files": {"file": ("name.bin", CONTENT)}, "data": {"more": "fields"}},
}


@pytest.mark.parametrize("body", list(REPLAYABLE))
def test_a_body_in_memory_is_sent_again_whole(world: World, api: Api, body: str) -> None:
    world.orders.nonces.mode = "required"
    answer = api.post(ECHO, **REPLAYABLE[body])
    assert answer.status_code == 200
    first, second = (seen.request for seen in world.orders.requests)
    assert first.body == second.body == answer.content
    assert first.header("Content-Length") == second.header("Content-Length") == str(len(answer.content))


def test_a_seekable_file_in_a_multipart_body_is_sent_again_whole(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    with tempfile.TemporaryFile() as file:
        file.write(CONTENT)
        file.seek(0)
        answer = api.post(ECHO, files={"file": ("name.bin", file)})
    assert answer.status_code == 200
    assert CONTENT in answer.content
    assert [CONTENT in seen.request.body for seen in world.orders.requests] == [True, True]


def test_a_file_that_cannot_be_rewound_is_not_sent_again(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    answer = api.post(ECHO, files={"file": ("name.bin", OneWay(CONTENT))})
    _is_left(world, answer)
    assert CONTENT in world.orders.requests[0].request.body
    assert CONTENT in api.post(ECHO, files={"file": ("name.bin", OneWay(CONTENT))}).content


def test_a_generator_is_not_sent_again_and_the_nonce_is_kept_for_a_fresh_one(world: World, api: Api) -> None:
    world.orders.nonces.mode = "required"
    answer = api.post(ECHO, content=api.door.generator(b"half", b"half"))
    _is_left(world, answer)
    assert world.orders.requests[0].request.body == b"halfhalf"
    assert api.post(ECHO, content=api.door.generator(b"half", b"half")).content == b"halfhalf"
    assert len(world.orders.requests) == 2


def test_a_file_as_the_body_is_not_sent_again() -> None:
    """Its position is at its end: httpx would send nothing under the old Content-Length."""
    for kind in ("httpx", "httpx2"):  # async clients take no files
        world = World()
        world.orders.nonces.mode = "required"
        api = world.open(Door(kind))
        with tempfile.TemporaryFile() as file:
            file.write(CONTENT)
            file.seek(0)
            _is_left(world, api.post(ECHO, content=file))
            file.seek(0)
            assert api.post(ECHO, content=file).content == CONTENT


def test_a_rejected_token_is_replaced_even_if_the_body_cannot_be_sent_again(
    world: World, api: Api, machine: Machine
) -> None:
    api.get(ORDERS)
    machine.pass_time(60)
    world.server.tokens.revoke()
    answer = api.post(ECHO, content=api.door.generator(b"once"))
    assert answer.status_code == 401
    assert not_repeated(answer) is NotRepeated.BODY_NOT_REPLAYABLE
    assert api.post(ECHO, content=api.door.generator(b"once")).content == b"once"
    assert len(world.token_requests) == 2


def test_a_generator_that_meets_no_obstacle_is_streamed(world: World, api: Api) -> None:
    assert api.post(ECHO, content=api.door.generator(b"a", b"b")).content == b"ab"
    assert world.orders.requests[0].request.header("Transfer-Encoding") == "chunked"


def test_a_generator_that_another_401_met_has_no_reason(world: World, api: Api) -> None:
    world.orders.instead(misbehaviour.challenge('DPoP error="insufficient_scope"'))
    assert not_repeated(api.post(ECHO, content=api.door.generator(b"a"))) is None


def _is_left(world: World, answer: Any) -> None:
    assert answer.status_code == 401
    assert not_repeated(answer) is NotRepeated.BODY_NOT_REPLAYABLE
    assert len(world.orders.requests) == 1
