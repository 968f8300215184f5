"""The client certificate of a TLS connection: its renewal, and the HTTP clients that present it (RFC 8705)."""
