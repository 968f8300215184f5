"""A headless Chromium, driven over the Chrome DevTools Protocol: no more of it than a login needs."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from websockets.sync.client import connect

from tests.components import ComponentMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT = 20.0
ANSWER_TIMEOUT = 20.0
PATIENCE = 10.0
PAUSE = 0.02
NAMES = "chromium", "chromium-browser", "google-chrome"
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]",
    "--remote-debugging-port=0",
)


def find_chromium() -> str:
    """The browser of this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise ComponentMissing("Chromium", "tools/install-components, or apt-get install chromium")


class Browser:
    """A running Chromium. `spki`: hashes of the TLS keys that it trusts (tests/real: `ground.spki`).

    It keeps nothing: each page has cookies and a history of its own, and all is gone at `close`.
    """

    def __init__(self, *spki: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        trust = f"--ignore-certificate-errors-spki-list={','.join(spki)}"
        self._process = subprocess.Popen(
            (find_chromium(), *FLAGS, trust, f"--user-data-dir={self._folder.name}", "about:blank"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": self._folder.name},
        )
        try:
            self._protocol = _Protocol(self._address())
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        self._protocol.close()
        self._end()

    @contextmanager
    def page(self) -> "Iterator[Page]":
        """A page of somebody who was never here before."""
        context = self._protocol.call("Target.createBrowserContext")["browserContextId"]
        target = self._protocol.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self._protocol.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            yield Page(self._protocol, session)
        finally:
            self._protocol.call("Target.disposeBrowserContext", browserContextId=context)

    def _address(self) -> str:
        announced = Path(self._folder.name, "DevToolsActivePort")
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self._process.poll() is None:
            if announced.exists() and len(lines := announced.read_text().splitlines()) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(PAUSE)
        raise RuntimeError(f"Chromium did not start: exit status {self._process.poll()}")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


class Page:
    """One page. Selectors are CSS. What waits gives up after ten seconds with a TimeoutError that shows the page."""

    def __init__(self, protocol: "_Protocol", session: str) -> None:
        self._protocol = protocol
        self._session = session

    def open(self, url: str) -> None:
        """Go to a URL, and over its redirects, until an answer arrives."""
        failure = self._call("Page.navigate", url=url).get("errorText")
        if failure:
            raise RuntimeError(f"{url}: {failure}")

    @property
    def url(self) -> str:
        """Where the page is."""
        return str(self.evaluate("location.href"))

    @property
    def text(self) -> str:
        """What a person can read on it."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    @property
    def history(self) -> list[str]:
        """The URLs that the back button leads to, and the present one."""
        return [entry["url"] for entry in self._call("Page.getNavigationHistory")["entries"]]

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, if need be of its promise."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true, whichever document is loaded by then."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if self.evaluate(f"Boolean({condition})"):
                    return
            except RuntimeError:  # the document went away under the question
                pass
            time.sleep(PAUSE)
        raise TimeoutError(f"waited for {condition} at {self.url}:\n{self.text}")

    def wait_for(self, selector: str) -> None:
        """Wait until there is such an element in a document that is loaded."""
        self.wait_until(f"document.readyState === 'complete' && document.querySelector({json.dumps(selector)})")

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, which is empty afterwards but for the text."""
        self.wait_for(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self._call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of an element, with a mouse: what lies above it gets the click."""
        self.wait_for(selector)
        script = f"document.querySelector({json.dumps(selector)})"
        x, y = self.evaluate(
            f"(() => {{ const element = {script}; element.scrollIntoView({{block: 'center'}});"
            " const box = element.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for event in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=event, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path, *, width: int = 800, height: int = 600, dark: bool = False) -> None:
        """Write a PNG of the page, as a window of this size shows it, to one who likes it dark or not."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._protocol.call(method, session=self._session, **parameters)


class _Protocol:
    """The connection: commands and their answers, from any thread. Events are not asked for."""

    def __init__(self, address: str) -> None:
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(
            connect(address, max_size=None, proxy=None, open_timeout=START_TIMEOUT)
        )
        self._lock = threading.Lock()
        self._last = 0

    def call(self, method: str, *, session: str = "", **parameters: object) -> dict[str, Any]:
        with self._lock:
            self._last += 1
            command = {"id": self._last, "method": method, "params": parameters}
            self._connection.send(json.dumps(command | ({"sessionId": session} if session else {})))
            while True:
                answer = json.loads(self._connection.recv(ANSWER_TIMEOUT))
                if answer.get("id") == self._last:
                    break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        self._stack.close()
