// The protected resources (RFC 8707): what the authorization server issues tokens for, and what the API checks. `dpop` and
// `mtls`: what a token must be bound to. One that is bound is checked for it everywhere.

export const RESOURCES = {
  a: { scope: 'read write', format: 'jwt', dpop: true },
  b: { scope: 'read admin', format: 'jwt', dpop: true },
  // Reference tokens: opaque strings that the API looks up by introspection (RFC 7662).
  reference: { scope: 'read', format: 'opaque', dpop: true },
  // The one place where an unbound token is enough.
  bearer: { scope: 'read', format: 'jwt' },
  // RFC 8705: bound to the certificate on the connection; a JWT, or a reference token.
  mtls: { scope: 'read write', format: 'jwt', mtls: true },
  'mtls-reference': { scope: 'read', format: 'opaque', mtls: true },
};
