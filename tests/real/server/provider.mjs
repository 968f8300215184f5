// The authorization server: npm oidc-provider, configured. Everything it checks is its own, but for the grant that it
// does not have (jwt_bearer.mjs).

import * as crypto from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import Provider, { errors } from 'oidc-provider';

import { RICH_AUTHORIZATION_REQUESTS } from './details.mjs';
import { JWT_BEARER, PARAMETERS, createJwtBearer } from './jwt_bearer.mjs';
import { createKeys } from './keys.mjs';
import { MUTUAL_TLS, TLS_METHODS, createAliases } from './mtls.mjs';
import { createPerson } from './person.mjs';
import { RESOURCES } from './resources.mjs';
import { createStore } from './store.mjs';

const ASYMMETRIC = [
  'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512',
];
const METHODS = ['client_secret_basic', 'client_secret_jwt', 'client_secret_post', 'private_key_jwt', 'none'];
const HMAC = ['HS256', 'HS384', 'HS512'];
const ERRORS = [
  'authorization.error', 'device_authorization.error', 'end_session.error', 'grant.error', 'introspection.error',
  'pushed_authorization_request.error', 'registration_create.error', 'registration_read.error',
  'registration_update.error', 'registration_delete.error', 'revocation.error', 'userinfo.error',
];
const DAY = 24 * 60 * 60;

// `mtls`: the origin of the listener that asks for a client certificate, if there is one. `apis`: the URLs of the API.
// Returns the provider and what tests may do to it from outside: `rotateKeys(overlap)`, `forget(user)`.
export function createProvider(issuer, mtls, apis, settings, stats) {
  const mtlsHost = mtls && new URL(mtls).host;
  const keys = createKeys();
  const Store = createStore(settings.refresh_grace, () => {
    stats.replayed += 1;
  });
  const resources = new Map(apis.flatMap((api) => (
    Object.entries(RESOURCES).map(([name, resource]) => [`${api}/${name}`, resource])
  )));

  const provider = new Provider(issuer, {
    adapter: Store,
    clients: settings.clients,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: keys.jwks,
    responseTypes: ['code'],
    pkce: { required: () => true },
    acrValues: ['bronze', 'silver'],
    claims: {
      acr: null, auth_time: null, iss: null, sid: null,
      openid: ['sub'],
      profile: ['name'],
      email: ['email', 'email_verified'],
    },
    // RFC 7591 section 2: what oidc-provider would drop without a word.
    extraClientMetadata: { properties: ['software_id', 'software_version'] },
    rotateRefreshToken: settings.rotate_refresh_tokens,
    ...(settings.offline_access ? undefined : {
      issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    }),
    ...(settings.login_pages ? undefined : {
      interactions: { url: (ctx, { uid }) => `${settings.issuer_path}/interaction/${uid}` },
    }),
    cookies: { keys: [crypto.randomBytes(32).toString('base64url')] },
    clientAuthMethods: mtls ? [...METHODS, ...TLS_METHODS] : METHODS,
    enabledJWA: {
      clientAuthSigningAlgValues: [...HMAC, ...ASYMMETRIC],
      dPoPSigningAlgValues: ASYMMETRIC,
    },
    features: {
      devInteractions: { enabled: settings.login_pages },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      encryption: { enabled: true },
      claimsParameter: { enabled: true },
      jwtResponseModes: { enabled: true },
      jwtUserinfo: { enabled: true },
      requestObjects: { enabled: true, requireSignedRequestObject: settings.require_signed_request_object },
      pushedAuthorizationRequests: {
        enabled: settings.par,
        requirePushedAuthorizationRequests: settings.require_par,
      },
      registration: {
        enabled: settings.registration,
        initialAccessToken: settings.initial_access_token || false,
      },
      registrationManagement: {
        enabled: settings.registration,
        rotateRegistrationAccessToken: settings.rotate_registration_tokens,
      },
      richAuthorizationRequests: RICH_AUTHORIZATION_REQUESTS,
      introspection: {
        enabled: true,
        // RFC 7662 section 4: introspection is for the API, not for whoever holds a token.
        allowedPolicy: (ctx, client) => client.clientId === settings.introspection?.client_id,
      },
      dPoP: settings.dpop
        ? { enabled: true, nonceSecret: crypto.randomBytes(32), requireNonce: () => settings.dpop_nonces }
        : { enabled: false },
      mTLS: mtls ? MUTUAL_TLS : { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, granted) => granted,
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
    findAccount: (ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: `${sub} of the tests`, email: `${sub}@example.com`, email_verified: true }),
    }),
    ttl: {
      AccessToken: () => settings.token_lifetime,
      ClientCredentials: () => settings.token_lifetime,
      RefreshToken: () => settings.refresh_lifetime,
      Grant: () => 14 * DAY,
      Session: () => DAY,
      Interaction: () => 600,
      DeviceCode: () => settings.device_lifetime,
      IdToken: () => 3600,
    },
  });

  provider.registerGrantType(JWT_BEARER, createJwtBearer(settings.assertion_issuers), PARAMETERS, 'resource');

  if (!settings.login_pages) provider.use(createPerson(provider));
  if (mtls) provider.use(createAliases(mtls));
  provider.use(async (ctx, next) => {
    const pause = ctx.path === '/token' ? settings.token_delay / 2 : 0;
    if (pause) {
      // Read first: who goes away in the meantime has asked all the same.
      ctx.req.body = await text(ctx.req);
      await sleep(pause);
    }
    await next();
    // Counted when it is done, not when the client has the answer: that may never happen.
    if (ctx.oidc?.route) count(ctx.host === mtlsHost ? stats.aliases : stats.routes, ctx.oidc.route);
    if (pause) await sleep(pause);
  });

  provider.on('grant.success', (ctx) => {
    count(stats.requested, ctx.oidc.params.grant_type);
    count(stats.granted, ctx.oidc.params.grant_type);
  });
  provider.on('grant.error', (ctx, error) => {
    count(stats.requested, ctx.oidc.params?.grant_type ?? 'unknown');
    count(stats.refused, error.error);
    if (error.error_detail === 'refresh token already used') stats.replayed += 1;
  });
  for (const event of ERRORS) {
    provider.on(event, (ctx, error) => {
      if (!settings.debug) return;
      console.error(`${error.error}: ${error.error_detail ?? error.error_description}`, error.cause ?? '');
    });
  }
  provider.on('server_error', (ctx, error) => console.error(error));

  return {
    provider,
    rotateKeys: (overlap) => keys.rotate(provider, overlap),
    forget: Store.forget,
  };
}

function count(counters, name) {
  counters[name] = (counters[name] ?? 0) + 1;
}
