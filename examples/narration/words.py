"""What each message proves, in the words of the story."""

from typing import Final, NamedTuple


class Words(NamedTuple):
    """Where it matters what tokens are bound to. `a_call` and `another_call`: headings."""

    a_call: str
    another_call: str
    issuer: str
    binding: str
    fresh: str
    bound: str
    call: str
    cached: str
    stolen: str
    useless: str


_ISSUER: Final = (
    "The issuer in the document is the one that was asked, byte for byte: no server can pass for another (RFC 8414, "
    "section 3.3)."
)
ASSERTION: Final = (
    "client_assertion: the sender holds the private key that the server knows this service by. No password travels, "
    "and what travels is good once, at this server, for a minute (RFC 7523)."
)
CERTIFIED: Final = (
    "client_id: which service it claims to be. The proof is the connection itself, whose certificate the server knows "
    "this service by: no password travels, and nothing that could be used again (RFC 8705, section 2)."
)
ALIAS: Final = "where it asks for certificates (RFC 8705, section 5)"
NONCE: Final = (
    "The server wants a nonce of its own in the proof, so that none can have been made in advance (RFC 9449, "
    "section 8)."
)
TWO_TOKENS: Final = (
    "Neither token is of use at the other API: what one of them gets to see cannot be turned on the other."
)
OUTSIDE: Final = "Nothing was sent, not even without a token. A token never leaves the API that it is for."
FAIL_CLOSED: Final = "Each time there is an error and no token: the constraint is never given up in silence."

BY_KEY: Final = Words(
    a_call="A call, with its proof",
    another_call="Another call: the token is kept, the proof is new",
    issuer=f"{_ISSUER} And it offers DPoP; if it did not, the service would send nothing further.",
    binding=(
        "DPoP: the sender holds a second key too, made in this process. To it the token is to be bound (RFC 9449)."
    ),
    fresh="What is good once is not sent twice: each request has a new assertion and a new proof.",
    bound=(
        "The token is of type DPoP: whoever presents it has to prove, each time, that they hold the key it is bound "
        "to. And it is for one API alone (RFC 8707)."
    ),
    call=(
        "htm and htu name this request, ath names this token, and only the key that the token is bound to can have "
        "signed it: anywhere else, or a second time, this proof is worth nothing (RFC 9449, section 7)."
    ),
    cached="Nothing was sent to the authorization server: the call cost one signature.",
    stolen=(
        "Suppose that somebody reads the last request in a log, at a proxy, or inside the API: the whole token, and "
        "its proof. What they do not have is the key, which was in no message. They try:"
    ),
    useless="Without the key the token is worth nothing, and the proof was worth its one request.",
)
BY_CERTIFICATE: Final = Words(
    a_call="A call, on a connection with the certificate",
    another_call="Another call: token and connection are kept",
    issuer=(
        f"{_ISSUER} And it promises to bind tokens to client certificates; if it did not, the service would send "
        "nothing further, for an unbound token looks the same from outside (RFC 8705, section 3.3)."
    ),
    binding=(
        "The connection: as it was opened, the sender has shown this certificate and signed with its private key (RFC "
        "8446, section 4.4). To the certificate the token is to be bound (RFC 8705, section 3)."
    ),
    fresh="The connection proves it again: the key of the certificate is in no message, and never was.",
    bound=(
        "The token says Bearer, and is none: it is bound to the certificate that the server saw, and is good only over "
        "connections that prove to hold its key. And it is for one API alone (RFC 8707)."
    ),
    call=(
        "The request proves nothing, the connection does: the API compares the certificate that it was opened with to "
        "the thumbprint in the token, x5t#S256 (RFC 8705, section 3)."
    ),
    cached="Nothing was sent to the authorization server: the call went over the connection that was open.",
    stolen=(
        "Suppose that somebody reads the last request in a log, at a proxy, or inside the API: the whole token. The "
        "certificate they can have, it is no secret. What they do not have is its key, which was in no message. They "
        "try:"
    ),
    useless="Without the key of that one certificate the token is worth nothing, whoever issued another.",
)
