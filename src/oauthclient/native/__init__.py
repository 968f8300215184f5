"""An app on somebody's machine: it registers itself, logs a person in, and stays logged in (RFC 8252)."""
