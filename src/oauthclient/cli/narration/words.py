"""What the messages of a login prove, in the words of the story."""

from typing import Final

REGISTRATION: Final = (
    "The app has made a key here, and registers its public half: from now on it proves who it is, and there is no "
    "shared secret that a copy of the program would give away (RFC 7591). What it registers it is held to: nobody can "
    "ask in its name with less."
)
PUSHED: Final = (
    "What the person is to be asked goes to the server directly, signed by the app (RFC 9101, RFC 9126). The browser "
    "only carries a reference to it: nothing in the link can be read, or changed."
)
BROWSER: Final = (
    "The person says yes at the server; the app never sees their password. The answer comes to this machine. Its state "
    "belongs to this login, its iss names the server that gave it (RFC 9207), and its code is of no use without the "
    "secret behind code_challenge and the key behind dpop_jkt (RFC 7636, RFC 9449)."
)
CODE: Final = (
    "The code becomes tokens for who holds the app's key (client_assertion), the secret of this login (code_verifier), "
    "and the login's own key (DPoP), to which they are bound."
)
NONCE: Final = (
    "The server wants a nonce of its own in the proof, so that none can have been made in advance (RFC 9449, "
    "section 8). What is good once is not sent twice: assertion and proof are new."
)
SIGNED: Final = "The ID token says who logged in. It is verified with the server's keys before it is believed."
CALL: Final = (
    "The proof names this request and this token, and only the login's key can have signed it: anywhere else, or a "
    "second time, it is worth nothing (RFC 9449, section 7)."
)
REFRESH: Final = (
    "Another API, another token, and the person is not asked again: the refresh token of the login pays for it, and is "
    "replaced. The app stores a note before it sends one, so that a crash does not lose the login."
)
STOLEN: Final = "Suppose that somebody reads the last call, all of it, and tries to use it:"
USELESS: Final = "Without the key the token is worth nothing, and the proof was worth its one request."
LOGOUT: Final = "The server forgets the tokens (RFC 7009), and this machine forgets the session and its key."
