"""What a vault does on a disk of 256 KiB that fills up, and then turns read-only: run in a mount namespace of its own.

`python small_disk.py FOLDER` mounts that disk at FOLDER, and prints what happened as one JSON object.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from oauthclient import Secret, Vault
from oauthclient.errors import StorageError
from oauthclient.protocol.record_name import Name

NAME = Name("session", "https://as.example.com", "app", "default")


def outcome(call: Callable[[], object]) -> object:
    """What `call` returns, or the class and code of its error."""
    try:
        return call()
    except StorageError as error:
        return f"{type(error).__name__} {error.code}"


def fill(folder: Path) -> None:
    """Leave not one octet."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(4096))


def tried(vault: Vault) -> dict[str, object]:
    """What everything that touches the disk comes to."""
    return {
        "check_writable": outcome(lambda: vault.records.check_writable(NAME)),
        "save": outcome(lambda: vault.records.save(NAME, {"refresh_token": "new" * 3000})),
        "save a key": outcome(lambda: vault.keys.save("k2", Secret("v" * 9000))),
        "probe": outcome(vault.keys.probe),
        "load": outcome(lambda: vault.records.load(NAME)),
        "load a key": outcome(lambda: vault.keys.load("k") == Secret("value")),
        "names": len(vault.records.names()),
    }


def main(folder: Path) -> None:
    """See the module."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    vault = Vault.file(folder / "vault", key=bytes(32))
    vault.records.save(NAME, {"refresh_token": "old"})
    vault.keys.save("k", Secret("value"))
    fill(folder)
    before = sorted(path.name for path in folder.rglob("*"))
    full = tried(Vault.file(folder / "vault", key=bytes(32)))
    left = sorted(path.name for path in folder.rglob("*")) == before
    (folder / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    read_only = tried(Vault.file(folder / "vault", key=bytes(32)))
    read_only["delete"] = outcome(lambda: vault.records.delete(NAME))
    read_only["lease"] = outcome(lambda: vault.records.lease(NAME, timeout=1))
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    again = outcome(lambda: vault.records.save(NAME, {"refresh_token": "new"}) or vault.records.load(NAME))
    json.dump({"full": full, "nothing left behind": left, "read-only": read_only, "again": again}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
