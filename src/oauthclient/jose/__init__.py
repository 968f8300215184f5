"""Keys and typed JWTs: the one wrapper around joserfc and cryptography (RFC 7515 to 7519, RFC 8725)."""
