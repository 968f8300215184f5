// Mutual TLS at the authorization server (RFC 8705): oidc-provider checks, and asks this for the certificate.

import { presented, subjectMatches } from './certificate.mjs';

// Section 5: what a client calls directly.
const ALIASED = [
  'token_endpoint', 'pushed_authorization_request_endpoint', 'device_authorization_endpoint', 'revocation_endpoint',
  'introspection_endpoint', 'userinfo_endpoint', 'registration_endpoint',
];

export const TLS_METHODS = ['tls_client_auth', 'self_signed_tls_client_auth'];

export const MUTUAL_TLS = {
  enabled: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  certificateBoundAccessTokens: true,
  getCertificate: (ctx) => presented(ctx.req),
  // Node has verified the chain against the settings' `client_ca`, and did not insist: self-signed ones have none.
  certificateAuthorized: (ctx) => ctx.req.socket.authorized,
  certificateSubjectMatches: (ctx, member, expected) => subjectMatches(presented(ctx.req), member, expected),
};

// Announces the endpoints at `origin`, the listener that asks for a certificate, beside the others.
export function createAliases(origin) {
  return async function aliases(ctx, next) {
    await next();
    if (ctx.oidc?.route !== 'discovery') return;
    const announced = ALIASED.filter((name) => ctx.body[name]);
    ctx.body.mtls_endpoint_aliases = Object.fromEntries(
      announced.map((name) => [name, origin + new URL(ctx.body[name]).pathname]),
    );
  };
}
