// The authorization server's keys: to sign with each algorithm that it offers, and for what clients encrypt to it.

import * as crypto from 'node:crypto';

// No documented interface, as in jwt_bearer.mjs: oidc-provider reads its keys once, and a server that rotates them
// (OpenID Connect Core section 10.1.1) is started anew.
import initializeKeystore from 'oidc-provider/lib/helpers/initialize_keystore.js';

const KEYS = {
  ES256: { type: 'ec', options: { namedCurve: 'P-256' }, members: { use: 'sig', alg: 'ES256' } },
  Ed25519: { type: 'ed25519', members: { use: 'sig', alg: 'Ed25519' } },
  // Without `alg`: this key serves both PS256 and RS256.
  RSA: { type: 'rsa', options: { modulusLength: 2048 }, members: { use: 'sig' } },
  'RSA-OAEP-256': { type: 'rsa', options: { modulusLength: 2048 }, members: { use: 'enc', alg: 'RSA-OAEP-256' } },
  // Without `alg`: ECDH-ES directly, or to wrap a key.
  'ECDH-ES': { type: 'ec', options: { namedCurve: 'P-256' }, members: { use: 'enc' } },
};

export function createKeys() {
  let generation = 0;
  let current = [];

  function next() {
    generation += 1;
    current = Object.entries(KEYS).map(([name, { type, options, members }]) => {
      const { privateKey } = crypto.generateKeyPairSync(type, options);
      return { ...privateKey.export({ format: 'jwk' }), ...members, kid: `${name}-${generation}` };
    });
    return current;
  }

  return {
    jwks: { keys: next() },
    // From now on new keys sign. The last ones stay published if there is to be an `overlap`.
    rotate(provider, overlap) {
      const last = current;
      initializeKeystore.call(provider, { keys: [...next(), ...(overlap ? last : [])] });
    },
  };
}
