"""What machine this is: whether a browser that opens here could bring an answer back here (RFC 8252, appendix B)."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SSH: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_ELSEWHERE: Final = {
    "CODESPACES": "a GitHub codespace",
    "GITPOD_WORKSPACE_ID": "a Gitpod workspace",
    "CLOUD_SHELL": "a cloud shell",
    "REMOTE_CONTAINERS": "a development container",
    "KUBERNETES_SERVICE_HOST": "a Kubernetes pod",
}
_CONTAINERS: Final = (
    "docker",
    "podman",
    "lxc",
    "lxc-libvirt",
    "systemd-nspawn",
    "oci",
)  # not flatpak: it has a browser
_MARKS: Final = ("/.dockerenv", "/run/.containerenv")


class Surroundings(NamedTuple):
    """`environ` and `platform` as `os` and `sys` have them, `exists` for a path, `find` for the path of a command."""

    environ: Mapping[str, str]
    platform: str
    exists: Callable[[str], bool]
    find: Callable[[str], str | None]

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        return cls(os.environ, sys.platform, lambda path: Path(path).exists(), shutil.which)

    def obstacle(self) -> str | None:
        """Why a browser opened here would not be one that the person sees, and that reaches this machine's loopback."""
        for name in _SSH:
            if self.environ.get(name):
                return f"this is an SSH session ({name} is set)"
        for name, place in _ELSEWHERE.items():
            if self.environ.get(name, "").lower() not in {"", "0", "false"}:
                return f"this is {place} ({name} is set)"
        if self.environ.get("container") in _CONTAINERS:
            return f"this is a container (container={self.environ['container']})"
        if self.platform.startswith("linux"):
            for mark in _MARKS:
                if self.exists(mark):
                    return f"this is a container ({mark} is there)"
        return None

    def has_display(self) -> bool:
        """Whether a window could open: of the systems that we know, only X11 and Wayland ones may lack that."""
        if self.platform in {"win32", "darwin"}:
            return True
        return any(self.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
