// The grant that oidc-provider does not have: RFC 7523 section 2.1, an assertion as an authorization grant.
//
// So this verifier is our own, though with oidc-provider's jose; client authentication, DPoP, resource indicators and
// the tokens stay oidc-provider's. `oidc-provider/lib/helpers/grants.js` is what its built-in grants are made of; it is
// no documented interface, which the exact version in package.json makes bearable.

import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';
import {
  buildTokenResponse, checkDpopReplay, checkDpopRequired, checkMtlsCert, resolveRequestedResources, validateClientScope,
  validateDpop,
} from 'oidc-provider/lib/helpers/grants.js';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const PARAMETERS = ['assertion', 'scope', 'resource'];

const LONGEST_LIFE = 3600;

// `issuers`: who may issue assertions besides the client itself, { iss: JWKS }.
export function createJwtBearer(issuers) {
  return async function jwtBearer(ctx) {
    const { client, params, provider } = ctx.oidc;

    // The nonce challenge comes first: an assertion that has not been looked at is not spent by it.
    const dPoP = await validateDpop(provider, ctx);
    const assertion = await verified(params.assertion, provider, client, issuers);

    const [resource, ...others] = await resolveRequestedResources(provider, ctx);
    if (others.length) throw new errors.InvalidTarget('only a single resource indicator value is supported');
    const requested = [...validateClientScope(provider, ctx)];

    const grant = new provider.Grant({ accountId: assertion.sub, clientId: client.clientId });
    const token = new provider.AccessToken({ accountId: assertion.sub, client, gty: 'jwt_bearer' });
    if (resource) {
      token.resourceServer = resource;
      token.scope = requested.filter((scope) => resource.scopes.has(scope)).join(' ') || undefined;
      grant.addResourceScope(resource.identifier(), token.scope ?? '');
    } else {
      // Without a resource it is a token for UserInfo.
      token.scope = 'openid';
      grant.addOIDCScope(token.scope);
    }
    token.grantId = await grant.save();

    const certificate = checkMtlsCert(provider, ctx);
    if (certificate) token.setThumbprint('x5t', certificate);
    if (dPoP) {
      await checkDpopReplay(provider, ctx, dPoP, client.clientId);
      token.setThumbprint('jkt', dPoP.thumbprint);
    }
    checkDpopRequired(provider, ctx, dPoP);

    ctx.oidc.entity('AccessToken', token);
    const accessToken = await token.save();
    ctx.body = buildTokenResponse(provider, {
      accessToken,
      expiresIn: token.expiration,
      scope: token.scope,
      tokenType: token.tokenType,
    });
  };
}

// RFC 7523 section 3 and, for the audience, rfc7523bis section 4: the issuer identifier and nothing else.
async function verified(assertion, provider, client, issuers) {
  if (!assertion) throw new errors.InvalidRequest("missing required parameter(s) 'assertion'");
  try {
    const { iss } = decodeJwt(assertion);
    const jwks = iss === client.clientId ? client.jwks : Object.hasOwn(issuers, iss) && issuers[iss];
    if (!jwks) throw new Error(`nobody here trusts ${iss}`);
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(jwks), {
      issuer: iss,
      requiredClaims: ['sub', 'exp', 'iat', 'jti'],
      maxTokenAge: LONGEST_LIFE,
    });
    if (payload.aud !== provider.issuer) throw new Error(`the audience is ${JSON.stringify(payload.aud)}`);
    if (!await provider.ReplayDetection.unique(`${JWT_BEARER} ${iss}`, payload.jti, payload.exp)) {
      throw new Error('the assertion was used before');
    }
    return payload;
  } catch (cause) {
    throw new errors.InvalidGrant(cause.message);
  }
}
