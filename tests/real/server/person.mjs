// The person at the browser, where nobody is: logs in and consents at once, so that a plain HTTP client with cookies
// gets through. Not in use with the setting `login_pages`, which has oidc-provider show its own pages instead.
//
//   x-user: bob          who logs in; else the request's login_hint, else alice. "deny" refuses: access_denied.
//   x-refuse: write      scopes that are not granted, though the rest is

export function createPerson(provider) {
  return async function person(ctx, next) {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    const user = ctx.get('x-user') || interaction.params.login_hint || 'alice';
    const refused = new Set(ctx.get('x-refuse').split(' '));

    let result;
    if (user === 'deny') {
      result = { error: 'access_denied', error_description: 'the person said no' };
    } else if (interaction.prompt.name === 'login') {
      result = { login: { accountId: user, acr: interaction.params.acr_values?.split(' ')[0], amr: ['pwd'] } };
    } else {
      result = { consent: { grantId: await consent(provider, interaction, refused) } };
    }
    return provider.interactionFinished(ctx.req, ctx.res, result);
  };
}

async function consent(provider, { prompt: { details }, grantId, session, params }, refused) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });

  const split = (scopes) => [
    scopes.filter((scope) => !refused.has(scope)).join(' '),
    scopes.filter((scope) => refused.has(scope)).join(' '),
  ];
  const [granted, rejected] = split(details.missingOIDCScope ?? []);
  if (granted) grant.addOIDCScope(granted);
  if (rejected) grant.rejectOIDCScope(rejected);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    const [some, others] = split(scopes);
    if (some) grant.addResourceScope(resource, some);
    if (others) grant.rejectResourceScope(resource, others);
  }
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const detail of details.rar ?? []) grant.addRar(detail);
  return grant.save();
}
