// What a token is bound to: a proof of its key (RFC 9449 section 4.3), the certificate on the connection (RFC 8705
// section 3). Our own, for what oauth4webapi does not verify: proofs beside an opaque token, and certificates.

import * as crypto from 'node:crypto';

import { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } from 'jose';

import { thumbprint } from './certificate.mjs';
import { Refusal } from './refusal.mjs';

const PROOF_WINDOW = 300;

// Refuses a request with this token unless it comes with all that the resource asks for and the token is bound to.
export async function confirm(request, token, resource, certificate) {
  const [scheme, value] = request.headers.get('authorization').split(' ');
  const { jkt, 'x5t#S256': x5t } = token.cnf ?? {};
  if ((resource.dpop && !jkt) || (resource.mtls && !x5t)) throw new Refusal(401, 'invalid_token', 'the token is not bound');
  if (scheme.toLowerCase() !== (jkt ? 'dpop' : 'bearer')) throw new Refusal(401, 'invalid_token', 'the wrong scheme');
  if (x5t) confirmCertificate(x5t, certificate);
  if (jkt) await confirmProof(request, value, jkt);
}

function confirmCertificate(x5t, certificate) {
  if (!certificate) throw new Refusal(401, 'invalid_token', 'the token is bound to a certificate, and none was presented');
  if (thumbprint(certificate) !== x5t) throw new Refusal(401, 'invalid_token', 'the token is bound to another certificate');
}

async function confirmProof(request, value, jkt) {
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
    if (await calculateJwkThumbprint(protectedHeader.jwk) !== jkt) throw new Error('DPoP proof of another key');
  } catch (error) {
    throw new Refusal(401, 'invalid_dpop_proof', error.message);
  }
}
