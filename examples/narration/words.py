"""What each message proves, in the words of the story."""

from typing import Final

ISSUER: Final = (
    "The issuer in the document is the one that was asked, byte for byte: no server can pass for another (RFC 8414, "
    "section 3.3). And it offers DPoP; if it did not, the service would send nothing further."
)
ASSERTION: Final = (
    "client_assertion: the sender holds the private key that the server knows this service by. No password travels, "
    "and what travels is good once, at this server, for a minute (RFC 7523)."
)
BINDING: Final = (
    "DPoP: the sender holds a second key too, made in this process. To it the token is to be bound (RFC 9449)."
)
NONCE: Final = (
    "The server wants a nonce of its own in the proof, so that none can have been made in advance (RFC 9449, "
    "section 8)."
)
FRESH: Final = "What is good once is not sent twice: each request has a new assertion and a new proof."
BOUND: Final = (
    "The token is of type DPoP: whoever presents it has to prove, each time, that they hold the key it is bound to. "
    "And it is for one API alone (RFC 8707)."
)
CALL: Final = (
    "htm and htu name this request, ath names this token, and only the key that the token is bound to can have signed "
    "it: anywhere else, or a second time, this proof is worth nothing (RFC 9449, section 7)."
)
TWO_TOKENS: Final = (
    "Neither token is of use at the other API: what one of them gets to see cannot be turned on the other."
)
CACHED: Final = "Nothing was sent to the authorization server: the call cost one signature."
OUTSIDE: Final = "Nothing was sent, not even without a token. A token never leaves the API that it is for."
STOLEN: Final = (
    "Suppose that somebody reads the last request in a log, at a proxy, or inside the API: the whole token, and its "
    "proof. What they do not have is the key, which was in no message. They try:"
)
USELESS: Final = "Without the key the token is worth nothing, and the proof was worth its one request."
FAIL_CLOSED: Final = "Each time there is an error and no token: the constraint is never given up in silence."
