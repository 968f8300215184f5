// Whether a request may pass: the token and its proof (npm oauth4webapi), and what that leaves to its users by design:
// replay (RFC 9449 section 11.1), nonces (section 9) and scope (RFC 6750 section 3.1).

import * as crypto from 'node:crypto';

import { EmbeddedJWK, calculateJwkThumbprint, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';

import { RESOURCES } from './resources.mjs';

const ALGORITHMS = 'ES256 ES384 ES512 Ed25519 EdDSA PS256 PS384 PS512 RS256';
const PROOF_WINDOW = 300;

export class Refusal extends Error {
  constructor(status, error, description, { nonce, scope } = {}) {
    super(description);
    this.status = status;
    this.error = error;
    this.nonce = nonce;
    this.scope = scope;
  }

  // RFC 9449 section 7.1; a request that brought no token at all is told no error code (RFC 6750 section 3.1).
  challenge(scheme) {
    const parameters = [
      this.error && `error="${this.error}"`,
      this.error && `error_description="${this.message.replace(/["\\]/g, "'")}"`,
      this.scope && `scope="${this.scope}"`,
      scheme === 'DPoP' && `algs="${ALGORITHMS}"`,
    ];
    return `${scheme} ${parameters.filter(Boolean).join(', ')}`;
  }
}

export function createAccess(issuer, api, provider, settings) {
  // oauth4webapi caches the keys of the authorization server by this object, and for a minute it reads no others.
  const describe = () => ({
    issuer,
    jwks_uri: provider.urlFor('jwks'),
    introspection_endpoint: provider.urlFor('introspection'),
  });
  let as = describe();
  const proofs = new Set();
  const seen = new Set();
  const distrusted = new Set();
  const nonces = createNonces();

  // Returns { token, proof, nonce }: the claims of both, and the nonce to announce, if it is a new one.
  async function admit(request, name, { demandNonce, scope }) {
    if (!request.headers.has('authorization')) throw new Refusal(401);
    const resource = RESOURCES[name];
    const verify = resource.format === 'jwt' ? jwtToken : referenceToken;
    const token = await verify(as, request, `${api}/${name}`, resource, settings);

    const tokenId = token.jti ?? request.headers.get('authorization');
    if (distrusted.has(tokenId)) throw new Refusal(401, 'invalid_token', 'the token was withdrawn');
    seen.add(tokenId);

    const proof = request.headers.has('dpop') ? decodeJwt(request.headers.get('dpop')) : undefined;
    if (proof) {
      const proofId = `${token.cnf.jkt} ${proof.jti}`;
      if (proofs.has(proofId)) throw new Refusal(401, 'invalid_dpop_proof', 'the proof was used before');
      proofs.add(proofId);
    }
    const jkt = token.cnf?.jkt;
    if (demandNonce && proof?.nonce !== nonces.current(jkt)) {
      throw new Refusal(401, 'use_dpop_nonce', 'the proof needs the current nonce', { nonce: nonces.current(jkt) });
    }
    if (scope && !token.scope?.split(' ').includes(scope)) {
      throw new Refusal(403, 'insufficient_scope', `the token lacks the scope ${scope}`, { scope });
    }
    return { token, proof, nonce: demandNonce ? nonces.used(jkt) : undefined };
  }

  return {
    admit,
    // From now on each token that was seen until now is refused, as if it had been revoked.
    distrust: () => seen.forEach((id) => distrusted.add(id)),
    forgetKeys: () => {
      as = describe();
    },
  };
}

async function jwtToken(as, request, audience, resource) {
  try {
    return await oauth.validateJwtAccessToken(as, request, audience, { requireDPoP: resource.dpop });
  } catch (error) {
    // oauth4webapi names the proof in the message where the proof is at fault; where it cannot be told (a signature, a
    // header), the token is blamed.
    const proofAtFault = /^DPoP Proof/.test(error.message) || /no DPoP HTTP Header/.test(error.message);
    throw new Refusal(401, proofAtFault ? 'invalid_dpop_proof' : 'invalid_token', error.message);
  }
}

// oauth4webapi verifies no proof beside an opaque token: this verifier is our own (RFC 9449 section 4.3).
async function referenceToken(as, request, audience, resource, settings) {
  const [scheme, value] = request.headers.get('authorization').split(' ');
  const client = { client_id: settings.introspection.client_id };
  const authentication = oauth.ClientSecretBasic(settings.introspection.client_secret);
  const response = await oauth.introspectionRequest(as, client, authentication, value);
  const token = await oauth.processIntrospectionResponse(as, client, response);
  if (!token.active || token.aud !== audience) throw new Refusal(401, 'invalid_token', 'the token is not active here');
  if (scheme.toLowerCase() !== 'dpop' || !token.cnf?.jkt) throw new Refusal(401, 'invalid_token', 'the token is not bound');

  try {
    const { payload, protectedHeader } = await jwtVerify(request.headers.get('dpop') ?? '', EmbeddedJWK, { typ: 'dpop+jwt' });
    const url = new URL(request.url);
    const expected = {
      htm: request.method,
      htu: url.origin + url.pathname,
      ath: crypto.hash('sha256', value, 'base64url'),
    };
    for (const [claim, wanted] of Object.entries(expected)) {
      if (payload[claim] !== wanted) throw new Error(`DPoP proof ${claim} mismatch`);
    }
    if (typeof payload.jti !== 'string') throw new Error('DPoP proof without jti');
    if (!(Math.abs(Date.now() / 1000 - payload.iat) <= PROOF_WINDOW)) throw new Error('DPoP proof iat is not recent');
    if (await calculateJwkThumbprint(protectedHeader.jwk) !== token.cnf.jkt) throw new Error('DPoP proof of another key');
  } catch (error) {
    throw new Refusal(401, 'invalid_dpop_proof', error.message);
  }
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
