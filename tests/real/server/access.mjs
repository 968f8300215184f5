// Whether a request may pass: the token and what it is bound to (npm oauth4webapi, or confirmation.mjs), and what that
// leaves to its users by design: replay (RFC 9449 section 11.1), nonces (section 9) and scope (RFC 6750 section 3.1).

import * as crypto from 'node:crypto';

import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';

import { confirm } from './confirmation.mjs';
import { Refusal } from './refusal.mjs';

export function createAccess(issuer, provider, settings) {
  // oauth4webapi caches the keys of the authorization server by this object, and for a minute it reads no others.
  const describe = () => ({
    issuer,
    jwks_uri: provider.urlFor('jwks'),
    introspection_endpoint: provider.urlFor('introspection'),
  });
  const readKeys = () => createRemoteJWKSet(new URL(provider.urlFor('jwks')));
  let as = describe();
  let keys = readKeys();
  const proofs = new Set();
  const seen = new Set();
  const distrusted = new Set();
  const nonces = createNonces();

  // `certificate`: what the client presented, if it did. Returns { token, proof, nonce }: the claims of both, and the
  // nonce to announce, if it is a new one.
  async function admit(request, resource, audience, certificate, { demandNonce, scope }) {
    if (!request.headers.has('authorization')) throw new Refusal(401);
    const token = await verify(request, resource, audience, certificate);

    const tokenId = token.jti ?? request.headers.get('authorization');
    if (distrusted.has(tokenId)) throw new Refusal(401, 'invalid_token', 'the token was withdrawn');
    seen.add(tokenId);

    const jkt = token.cnf?.jkt;
    const proof = jkt ? decodeJwt(request.headers.get('dpop')) : undefined;
    if (proof) {
      const proofId = `${jkt} ${proof.jti}`;
      if (proofs.has(proofId)) throw new Refusal(401, 'invalid_dpop_proof', 'the proof was used before');
      proofs.add(proofId);
    }
    if (demandNonce && proof?.nonce !== nonces.current(jkt)) {
      throw new Refusal(401, 'use_dpop_nonce', 'the proof needs the current nonce', { nonce: nonces.current(jkt) });
    }
    if (scope && !token.scope?.split(' ').includes(scope)) {
      throw new Refusal(403, 'insufficient_scope', `the token lacks the scope ${scope}`, { scope });
    }
    return { token, proof, nonce: demandNonce ? nonces.used(jkt) : undefined };
  }

  async function verify(request, resource, audience, certificate) {
    const value = request.headers.get('authorization').split(' ')[1] ?? '';
    if (resource.format === 'jwt' && !resource.mtls && !boundToCertificate(value)) {
      return jwtToken(as, request, audience, resource);
    }
    const token = resource.format === 'jwt'
      ? await certificateBoundToken(value, issuer, audience, keys)
      : await referenceToken(as, value, audience, settings);
    await confirm(request, token, resource, certificate);
    return token;
  }

  return {
    admit,
    // From now on each token that was seen until now is refused, as if it had been revoked.
    distrust: () => seen.forEach((id) => distrusted.add(id)),
    forgetKeys: () => {
      as = describe();
      keys = readKeys();
    },
  };
}

async function jwtToken(as, request, audience, resource) {
  try {
    return await oauth.validateJwtAccessToken(as, request, audience, { requireDPoP: Boolean(resource.dpop) });
  } catch (error) {
    // oauth4webapi names the proof in the message where the proof is at fault; where it cannot be told (a signature, a
    // header), the token is blamed.
    const proofAtFault = /^DPoP Proof/.test(error.message) || /no DPoP HTTP Header/.test(error.message);
    throw new Refusal(401, proofAtFault ? 'invalid_dpop_proof' : 'invalid_token', error.message);
  }
}

// oauth4webapi takes no token with x5t#S256, because a web request does not tell the certificate.
function boundToCertificate(value) {
  try {
    return Boolean(decodeJwt(value).cnf?.['x5t#S256']);
  } catch {
    return false;
  }
}

// RFC 9068 section 4.
async function certificateBoundToken(value, issuer, audience, keys) {
  try {
    const { payload } = await jwtVerify(value, keys, {
      typ: 'at+jwt',
      issuer,
      audience,
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
    });
    return payload;
  } catch (error) {
    throw new Refusal(401, 'invalid_token', error.message);
  }
}

// RFC 7662.
async function referenceToken(as, value, audience, settings) {
  const client = { client_id: settings.introspection.client_id };
  const authentication = oauth.ClientSecretBasic(settings.introspection.client_secret);
  const response = await oauth.introspectionRequest(as, client, authentication, value);
  const token = await oauth.processIntrospectionResponse(as, client, response).catch((error) => {
    // A JWT, which is meant for another resource: oidc-provider tells nothing about these.
    if (error.error === 'unsupported_token_type') throw new Refusal(401, 'invalid_token', 'a token of another kind');
    throw error;
  });
  if (!token.active || token.aud !== audience) throw new Refusal(401, 'invalid_token', 'the token is not active here');
  return token;
}

// A nonce is good for three accepted requests (RFC 9449 section 9 leaves the pace to the server). Each key has its own
// series, so that a test can count on it.
function createNonces() {
  const series = new Map();
  const begin = (jkt) => {
    const entry = { nonce: crypto.randomBytes(16).toString('base64url'), uses: 0 };
    series.set(jkt, entry);
    return entry;
  };
  return {
    current: (jkt) => (series.get(jkt) ?? begin(jkt)).nonce,
    used(jkt) {
      const entry = series.get(jkt);
      entry.uses += 1;
      return entry.uses < 3 ? undefined : begin(jkt).nonce;
    },
  };
}
