"""A machine with a disk and a keyring, on which stories about registration are told, and killed at every effect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from oauthclient.errors import StorageUnwritable
from oauthclient.flows.effects import (
    CheckWritable,
    DeleteKey,
    Effect,
    Erase,
    Lease,
    LoadKey,
    Persist,
    Read,
    SaveKey,
    Sleep,
    Write,
)
from oauthclient.flows.manage import delete_registration, read_registration, update_registration
from oauthclient.flows.register import register, restored
from oauthclient.flows.server import Server
from oauthclient.protocol.authentication import PublicClient
from oauthclient.protocol.binding import DPoP
from oauthclient.protocol.client_metadata import ClientMetadata
from oauthclient.protocol.metadata import ServerMetadata
from oauthclient.protocol.record_name import Name
from oauthclient.protocol.wire import Instant, Response
from oauthclient.testing import AuthorizationServer
from oauthclient.testing import Request as Heard
from tests.flows.telling import ISSUER, Telling, World

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from oauthclient.jose.certificate import Certificate
    from oauthclient.protocol.presented import Presented
    from oauthclient.protocol.registration import Registration
    from oauthclient.protocol.wire import Request
    from oauthclient.secret import Secret
    from oauthclient.testing.registration import Rotation

    Story = Callable[["Disk"], Generator[Any, Any, Any]]

NAME = Name("registration", ISSUER, "app", "default")
ROTATIONS: tuple[Rotation, ...] = ("never", "on update", "single use")
WANTED = ClientMetadata(redirect_uris=("http://127.0.0.1/callback/as",), members={"client_name": "App"})


class Disk(World):
    """A world with records and keys, where the embedded server answers unless answers are given.

    `certificate`: what its connections present.
    """

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.server = AuthorizationServer(ISSUER, now=lambda: self.wall)
        self.records: dict[Name, str] = {}
        self.keys: dict[str, Secret] = {}
        self.held: set[Name] = set()
        self.unwritable = False
        self.certificate: Presented | None = None
        self.history: list[Effect[Any]] = []
        self.slept = 0.0

    def client(self) -> Server:
        return Server(
            ISSUER,
            client_id="",
            authentication=PublicClient(),
            binding=DPoP(),
            told_by="resource",
            parameters={},
            loopback=False,
            metadata=ServerMetadata.from_document(self.server.metadata_document()),
        )

    def record(self) -> dict[str, Any] | None:
        text = self.records.get(NAME)
        return None if text is None else json.loads(text)

    def answer(self, effect: Any) -> Any:
        self.history.append(effect)
        match effect:
            case Lease(name=name):
                assert name not in self.held, "a lease is not taken twice"
                self.held.add(name)
                return Held(self, name)
            case Read(name=name):
                return json.loads(self.records[name]) if name in self.records else None
            case Write(name=name, record=record) | Persist(name=name, record=record):
                assert name in self.held or name.kind == "login", (
                    "nothing that others know of is written without a lease"
                )
                self._check()
                self.records[name] = json.dumps(record)
            case CheckWritable():
                self._check()
            case Erase(name=name):
                self.records.pop(name, None)
            case LoadKey(name=key):
                return self.keys.get(key)
            case SaveKey(name=key, value=value):
                assert self.keys.setdefault(key, value) == value, "a name stands for one key for ever"
            case DeleteKey(name=key):
                self.keys.pop(key, None)
            case Sleep(seconds=seconds):
                assert not self.held, "nobody waits for long with a lease in hand"
                self.slept += seconds
            case _:
                return super().answer(effect)
        return None

    def _check(self) -> None:
        if self.unwritable:
            raise StorageUnwritable("The disk is full.")

    def _send(self, request: Request) -> Response:
        if self.answers:
            return super()._send(request)
        self.sent.append(request)
        presented = self.presented(request)
        der = b"" if presented is None else presented.der
        headers = tuple(request.headers.items())
        heard = self.server.handle(Heard(request.method, request.url, headers, request.body, der))
        moment = Instant(self.wall, self.steady)
        answered = {name.lower(): value for name, value in heard.headers}
        assert isinstance(heard.body, bytes)
        thumbprint = None if presented is None else presented.x5t_s256
        return Response(heard.status, answered, heard.body, sent=moment, received=moment, certificate=thumbprint)

    def presented(self, request: Request) -> Certificate | None:
        """What the connection presents: that which the request must go with, else the current one."""
        if self.certificate is None:
            return None
        wanted = request.certificate
        return (None if wanted is None else self.certificate.generation(wanted)) or self.certificate.current()

    def reboot(self) -> None:
        """What a kill leaves: files, keys and the server; no lease."""
        self.held.clear()


class Held:
    def __init__(self, disk: Disk, name: Name) -> None:
        self._disk, self._name = disk, name

    def release(self) -> None:
        self._disk.held.discard(self._name)


def killed_everywhere(prepare: Callable[[], Disk], story: Story) -> Iterator[tuple[Disk, Effect[Any], bool]]:
    """The disks that are left when a story is killed before each of its effects, and after each.

    With each comes the effect, and whether it had happened already.
    """
    for heard in (False, True):
        number = 0
        while True:
            disk = prepare()
            telling = Telling(disk, story(disk))
            for _ in range(number):
                telling.step()
            if telling.over:
                telling.result()
                break
            effect = telling.effect
            if heard:
                disk.answer(effect)
            disk.reboot()
            yield disk, effect, heard
            number += 1


def body(request: Request) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(request.body)
    return read


def prepared(rotation: Rotation = "on update", **options: Any) -> Disk:
    """A machine with a registered client; `options` are those of `register`."""
    disk = Disk()
    disk.server.registration.rotation = rotation
    disk.tell(register(disk.client(), NAME, WANTED, **options))
    disk.sent.clear()
    disk.history.clear()
    return disk


def kept(disk: Disk) -> Registration:
    registration: Registration | None = disk.tell(restored(NAME))
    assert registration is not None
    return registration


def read(disk: Disk) -> Registration:
    found: Registration = disk.tell(read_registration(disk.client(), NAME))
    return found


def update(disk: Disk, **changes: Any) -> Registration:
    found: Registration = disk.tell(update_registration(disk.client(), NAME, changes))
    return found


def delete(disk: Disk) -> None:
    disk.tell(delete_registration(disk.client(), NAME))
