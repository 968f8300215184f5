// The authorization server: npm oidc-provider, configured. Everything it checks is its own, but for the grant that it
// does not have (jwt_bearer.mjs).

import * as crypto from 'node:crypto';

import Provider, { errors } from 'oidc-provider';

import { JWT_BEARER, PARAMETERS, createJwtBearer } from './jwt_bearer.mjs';
import { RESOURCES } from './resources.mjs';
import { createStore } from './store.mjs';

const ASYMMETRIC = [
  'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512',
];
const HMAC = ['HS256', 'HS384', 'HS512'];

export function createProvider(issuer, api, settings, stats) {
  const resources = new Map(Object.entries(RESOURCES).map(([name, resource]) => [`${api}/${name}`, resource]));

  const provider = new Provider(issuer, {
    adapter: createStore(),
    clients: settings.clients,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [crypto.randomBytes(32).toString('base64url')] },
    enabledJWA: {
      clientAuthSigningAlgValues: [...HMAC, ...ASYMMETRIC],
      dPoPSigningAlgValues: ASYMMETRIC,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        // RFC 7662 section 4: introspection is for the API, not for whoever holds a token.
        allowedPolicy: (ctx, client) => client.clientId === settings.introspection?.client_id,
      },
      dPoP: settings.dpop
        ? { enabled: true, nonceSecret: crypto.randomBytes(32), requireNonce: () => settings.dpop_nonces }
        : { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo(ctx, identifier) {
          const resource = resources.get(identifier);
          if (!resource) throw new errors.InvalidTarget();
          return {
            scope: resource.scope,
            audience: identifier,
            accessTokenTTL: settings.token_lifetime,
            accessTokenFormat: resource.format,
            ...(resource.format === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : undefined),
          };
        },
      },
    },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    ttl: {
      AccessToken: () => settings.token_lifetime,
      ClientCredentials: () => settings.token_lifetime,
      Grant: () => 3600,
    },
  });

  provider.registerGrantType(JWT_BEARER, createJwtBearer(settings.assertion_issuers), PARAMETERS, 'resource');

  provider.on('grant.success', (ctx) => count(stats.granted, ctx.oidc.params.grant_type));
  provider.on('grant.error', (ctx, error) => {
    count(stats.refused, error.error);
    if (settings.debug) console.error(`${error.error}: ${error.error_detail ?? error.error_description}`, error.cause ?? '');
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  return provider;
}

function signingKey() {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'as-1' };
}

function count(counters, name) {
  counters[name] = (counters[name] ?? 0) + 1;
}
