"""Sockets on the loopback interface that are ours alone (RFC 8252, sections 7.3 and 8.3)."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from oauthclient.errors import LoginError, PortTaken

if TYPE_CHECKING:
    from oauthclient.login.redirect import RedirectTarget

_BACKLOG: Final = 64
_ATTEMPTS: Final = 8  # at a port that is free at both addresses
_TAKEN: Final = {errno.EADDRINUSE, errno.EACCES}
_NO_SUCH_ADDRESS: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def listen(target: RedirectTarget) -> list[socket.socket]:
    """Non-blocking sockets that listen at all addresses of `target`, at one port.

    Raises PortTaken, or LoginError (`cannot_listen`).
    """
    attempts = 1 if target.port else _ATTEMPTS
    while True:
        attempts -= 1
        try:
            return _listen_at_all(target.addresses, target.port)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise LoginError(
                    f"{target.host} cannot be listened to: {error.strerror}.",
                    code="cannot_listen",
                    hint="Choose another redirect host: 127.0.0.1 or [::1].",
                ) from None
            if not attempts:
                port = f"The port {target.port}" if target.port else "A free port"
                raise PortTaken(f"{port} of {target.host} cannot be had: {error.strerror}.") from None


def _listen_at_all(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    listening: list[socket.socket] = []
    with ExitStack() as undo:
        for address in addresses:
            try:
                listening.append(undo.enter_context(_bound(address, port)))
            except OSError as error:
                # A machine without IPv6: then nobody else can have that address of localhost either.
                if not listening or error.errno not in _NO_SUCH_ADDRESS:
                    raise
            port = listening[0].getsockname()[1]
        for each in listening:
            each.listen(_BACKLOG)
            each.setblocking(False)
        undo.pop_all()
    return listening


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There, SO_REUSEADDR would let another program take the port from us, and by default it can too.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Only so that the last login's closed connections do not hold a fixed port; never SO_REUSEPORT.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except BaseException:
        made.close()
        raise
    return made
