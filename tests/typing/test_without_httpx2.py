"""What a program writes is accepted by mypy and pyright, both strict, where httpx2 is not installed.

That they accept it where httpx2 is installed, `make check` says of this whole folder.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

for checker in ("mypy", "pyright"):
    pytest.importorskip(checker, reason=f"{checker} comes with the dependency group lint")

HERE = Path(__file__).parent
PROGRAM = ("with_httpx.py", "service.py", "certificates.py")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with all packages of this one but httpx2."""
    home = tmp_path_factory.mktemp("without")
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    packages.mkdir(parents=True)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith("httpx2"):
            (packages / entry.name).symlink_to(entry)
    (home / "bin").mkdir()
    (home / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n")
    python = home / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    found = _run(home, python, "-c", "import httpx, importlib.util as u; print(u.find_spec('httpx2'))")
    assert (found.returncode, found.stdout) == (0, "None\n"), found.stderr
    return python


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a folder of its own: to the checkers this library is an installed package, as to a user's."""
    for name in PROGRAM:
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    return tmp_path


def test_mypy_accepts_it(python: Path, program: Path) -> None:
    result = _run(program, sys.executable, "-m", "mypy", f"--python-executable={python}", *PROGRAM)
    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_accepts_it(python: Path, program: Path) -> None:
    result = _run(program, sys.executable, "-m", "pyright", f"--pythonpath={python}")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_auth_object_works_without_httpx2(python: Path, program: Path) -> None:
    (program / "run.py").write_text(
        "import httpx\n"
        "from oauthclient import Auth, ClientSecretPost, OAuthClient, Resource\n"
        "oauth = OAuthClient('https://as.example.com', client_id='x', authentication=ClientSecretPost('x' * 32))\n"
        "auth = oauth.client_credentials(Resource('https://api.example.com'))\n"
        "assert isinstance(auth, httpx.Auth)\n"
        "httpx.Client(auth=auth).close()\n"
    )
    result = _run(program, python, "run.py")
    assert result.returncode == 0, result.stderr


def _run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=folder)
