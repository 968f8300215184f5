// Rich authorization requests (RFC 9396) with one type, "stock", and what becomes of them on the way to a token.

import { errors } from 'oidc-provider';

export const RICH_AUTHORIZATION_REQUESTS = {
  enabled: true,
  types: {
    stock: {
      validate(ctx, detail) {
        if (!Array.isArray(detail.actions)) {
          throw new errors.InvalidAuthorizationDetails('authorization details of type stock need actions');
        }
      },
    },
  },
  authorizationDetailsForGrantSource: (ctx) => JSON.parse(ctx.oidc.params.authorization_details ?? '[]'),
  authorizationDetailsForIntrospection: (ctx, token) => token.rar,

  // RFC 9396 section 6: a token request may ask for less than was granted, and the server may select by `locations`.
  authorizationDetailsForAccessToken(ctx, token, source) {
    const granted = source?.rar ?? [];
    const requested = ctx.oidc.params.authorization_details;
    const asked = requested === undefined ? granted : JSON.parse(requested);
    const known = new Set(granted.map((detail) => JSON.stringify(detail)));
    if (source && !asked.every((detail) => known.has(JSON.stringify(detail)))) {
      throw new errors.InvalidAuthorizationDetails('these authorization details were not granted');
    }
    const audience = token.resourceServer?.identifier();
    return asked.filter(({ locations }) => !locations || locations.includes(audience));
  },
};
