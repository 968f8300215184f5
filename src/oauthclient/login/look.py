"""How our pages look: the style, the script, the icons, and the headers that let a browser run nothing else (CSP 3)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

# The page of a login that is being finished holds two cards in one place. The one that waits is the smaller, and lies
# below the other in browsers that do not know :has(); `:last-of-type` is of no use while the page still comes in.
STYLE: Final = """
:root { color-scheme: light dark; --page: #f3f4f8; --card: #fff; --text: #14161f; --quiet: #565c6e; --line: #dfe2ea;
  --good: #11713f; --good-soft: #dcf4e6; --bad: #b3261e; --bad-soft: #fde7e5; --calm: #3355c4; --calm-soft: #e4eafc }
@media (prefers-color-scheme: dark) { :root { --page: #0f1117; --card: #191c26; --text: #f0f2f8; --quiet: #a6adc0;
  --line: #2c3140; --good: #66d9a0; --good-soft: #133524; --bad: #ff9d94; --bad-soft: #451b18; --calm: #9db4ff;
  --calm-soft: #1d2a52 } }
* { box-sizing: border-box; margin: 0 }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--page);
  color: var(--text); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { width: 100%; max-width: 27rem; padding: 2.75rem 2.25rem 2.25rem; text-align: center; overflow-wrap: anywhere;
  grid-area: 1 / 1; background: var(--card); border: 1px solid var(--line); border-radius: 1.25rem;
  box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 1.25rem 3rem -1rem rgb(0 0 0 / 14%) }
svg { width: 4rem; height: 4rem; padding: .9rem; border-radius: 50%; color: var(--tone); background: var(--soft);
  fill: none; stroke: currentColor; stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round }
.good { --tone: var(--good); --soft: var(--good-soft) }
.bad { --tone: var(--bad); --soft: var(--bad-soft) }
.calm { --tone: var(--calm); --soft: var(--calm-soft) }
h1 { margin: 1.35rem 0 .5rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.012em;
  text-wrap: balance }
p { color: var(--quiet); text-wrap: pretty }
p + p { margin-top: .5rem }
strong { color: var(--text); font-weight: 600 }
dl { margin-top: 1.5rem; padding: .9rem 1.1rem; text-align: left; border-radius: .75rem; background: var(--soft) }
dt { font: 600 .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--tone) }
dd { margin-top: .25rem; font-size: .9375rem; line-height: 1.5 }
footer { margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .9375rem;
  color: var(--quiet) }
.wait { animation: appear .2s .4s both }
.wait:has(~ main) { display: none }
.wait svg { animation: turn 1s linear infinite }
@keyframes appear { from { opacity: 0 } }
@keyframes turn { to { rotate: 1turn } }
@media (prefers-reduced-motion: reduce) { .wait svg { animation-duration: 6s } }
@media (max-width: 26rem) { body { padding: .75rem } main { padding: 2rem 1.25rem 1.5rem } }
"""

# What stands in the address bar leaves it, and the history entry of this tab: the answer, where it was not ours to
# redirect, and the fragments that some servers add.
SCRIPT: Final = 'history.replaceState(null, "", location.pathname)'

_SHAPES: Final = {
    "good": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "bad": '<path d="M12 5v8.5"/><path d="M12 18.5h.01"/>',
    "calm": '<path d="M12 10.5V19"/><path d="M12 5.5h.01"/>',
    "wait": '<path d="M12 3a9 9 0 1 0 9 9"/>',
}
ICONS: Final = {name: f'<svg viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>' for name, shape in _SHAPES.items()}


def _hashed(inline: str) -> str:
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"


_POLICY: Final = (
    f"default-src 'none'; style-src {_hashed(STYLE)}; script-src {_hashed(SCRIPT)}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),  # or the next page learns the code from the URL (RFC 9700, section 4.2.4)
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Connection", "close"),  # and without a Content-Length it is the close that ends a page
)
