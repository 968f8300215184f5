"""A desktop session of its own: a private D-Bus, and gnome-keyring on it, in each state that a person meets."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.components import ComponentMissing

# A bus that starts no service by itself, so that a keyring that is gone stays gone.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_PATIENCE = 20  # seconds


class Desktop:
    """A context manager. `environment` is what a program on this desktop has in its own."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("gnome-keyring-daemon") is None or shutil.which("dbus-daemon") is None:
            raise ComponentMissing("gnome-keyring", "run tools/install-components as root on a Debian system.")
        self._folder = folder
        self._keyring: subprocess.Popen[bytes] | None = None
        for part in ("run", "data"):
            (folder / part).mkdir(mode=0o700)

    def __enter__(self) -> Self:
        configuration = self._folder / "bus.conf"
        configuration.write_text(_BUS.format(folder=self._folder / "run"))
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address=1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._bus.stdout is not None
        self.environment = {
            "DBUS_SESSION_BUS_ADDRESS": self._bus.stdout.readline().strip(),
            "XDG_RUNTIME_DIR": str(self._folder / "run"),
            "XDG_DATA_HOME": str(self._folder / "data"),
        }
        return self

    def __exit__(self, *_exception: object) -> None:
        self.end_keyring()
        self.end_bus()

    def start_keyring(self, password: str | None) -> None:
        """Start gnome-keyring, unlocked with `password`; with None by nothing, as where nobody logs in at a screen."""
        self._keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets", *(["--unlock"] if password else [])],
            env={key: value for key, value in os.environ.items() if key != "DISPLAY"} | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert self._keyring.stdin is not None
        self._keyring.stdin.write(f"{password or ''}\n".encode())
        self._keyring.stdin.close()
        self._wait_for_service()

    def end_keyring(self) -> None:
        """Kill gnome-keyring, if it runs."""
        if self._keyring is not None:
            self._keyring.kill()
            self._keyring.wait()
            self._keyring = None

    def end_bus(self) -> None:
        """End the bus, and with it every connection to it."""
        self._bus.kill()
        self._bus.wait()
        assert self._bus.stdout is not None
        self._bus.stdout.close()

    def _wait_for_service(self) -> None:
        question = ["dbus-send", f"--bus={self.environment['DBUS_SESSION_BUS_ADDRESS']}", "--print-reply"]
        question += ["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetNameOwner"]
        deadline = time.monotonic() + _PATIENCE
        while subprocess.run(
            [*question, "string:org.freedesktop.secrets"], check=False, capture_output=True
        ).returncode:
            if time.monotonic() > deadline:
                raise AssertionError("gnome-keyring did not come up.")
            time.sleep(0.05)
