"""Why a server of `oauthclient.testing` refuses a request (RFC 6749, section 5.2; RFC 6750, section 3.1)."""

from __future__ import annotations


class RefusedError(Exception):
    """A request is refused with an OAuth error code. Raise it in a grant handler to refuse the grant.

    `error`: the code, such as `invalid_grant`. `description`: a sentence for developers
    (`error_description`). `status`: the HTTP status; None is the usual one for where it is raised.
    """

    def __init__(self, error: str, description: str, *, status: int | None = None) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
