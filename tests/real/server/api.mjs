// The resource server: what it offers below each resource, and how it answers. Who may pass is decided in access.mjs.
//
//   <api>/<resource>/...            tells what it saw, as JSON; the resources are in resources.mjs
//   <api>/<resource>/nonce/...      the same, but demands nonces and announces a new one after every third request
//   <api>/<resource>/nonce/silent   the same, but the new one is not announced: the next request is challenged
//   <api>/<resource>/events?count=3&pause=20      server-sent events, `pause` milliseconds apart
//   <api>/<resource>/redirect?to=/b/landed&status=307
//   ?scope=admin                    403 insufficient_scope unless the token has it
//   ?delay=50                       answers after so many milliseconds
//   <api>/open                      asks for nothing, tells which credentials it was sent all the same
//   <api>/stats                     counters of the API and of the authorization server
//   <api>/distrust                  POST: refuse each token seen until now
//   <api>/rotate-keys?overlap=1     POST: let the authorization server have other keys, the last ones still published
//   <api>/forget?user=alice         POST: let it take back all grants of one person, or of everybody

import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAccess } from './access.mjs';
import { thumbprint } from './certificate.mjs';
import { Refusal } from './refusal.mjs';
import { RESOURCES } from './resources.mjs';

// Returns what makes the handler of a listener: `createHandler(api, certificateOf)`, by the URL that clients call, and by
// where it is seen which certificate they presented.
export function createApi(issuer, server, settings, stats) {
  const access = createAccess(issuer, server.provider, settings);
  const commands = {
    '/distrust': () => access.distrust(),
    '/rotate-keys': (query) => {
      server.rotateKeys(query.get('overlap') === '1');
      access.forgetKeys();
    },
    '/forget': (query) => server.forget(query.get('user')),
  };

  async function protectedResource(req, res, url, name, certificate) {
    const audience = `${url.origin}/${name}`;
    stats.api.requests += 1;
    const silent = url.pathname.endsWith('/nonce/silent');
    const demandNonce = url.pathname.startsWith(`/${name}/nonce/`);
    let admitted;
    try {
      admitted = await access.admit(webRequest(req, url), RESOURCES[name], audience, certificate, {
        demandNonce,
        scope: url.searchParams.get('scope'),
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(res, error, RESOURCES[name].dpop ? 'DPoP' : 'Bearer');
      return;
    }
    stats.api.accepted += 1;
    if (admitted.nonce && !silent) res.setHeader('DPoP-Nonce', admitted.nonce);
    await sleep(Number(url.searchParams.get('delay') ?? 0));

    switch (url.pathname) {
      case `/${name}/events`:
        await events(res, Number(url.searchParams.get('count') ?? 3), Number(url.searchParams.get('pause') ?? 20));
        break;
      case `/${name}/redirect`:
        res.writeHead(Number(url.searchParams.get('status') ?? 307), { location: url.searchParams.get('to') }).end();
        break;
      default:
        json(res, 200, {
          resource: audience,
          method: req.method,
          url: `${url.origin}${req.url}`,
          http: req.httpVersion,
          token: admitted.token,
          proof: admitted.proof ?? null,
          'x5t#S256': certificate ? thumbprint(certificate) : null,
          body: (await buffer(req)).toString(),
        });
    }
  }

  function refuse(res, refusal, scheme) {
    const reason = refusal.error ?? 'no_token';
    stats.api.refused[reason] = (stats.api.refused[reason] ?? 0) + 1;
    if (settings.debug) console.error(`api: ${reason}: ${refusal.message}`);
    if (refusal.nonce) res.setHeader('DPoP-Nonce', refusal.nonce);
    res.setHeader('WWW-Authenticate', refusal.challenge(scheme));
    json(res, refusal.status, { error: reason, error_description: refusal.message });
  }

  async function route(req, res, api, certificate) {
    const url = new URL(`${api}${req.url}`);
    const name = url.pathname.split('/')[1];
    if (Object.hasOwn(RESOURCES, name)) {
      await protectedResource(req, res, url, name, certificate);
    } else if (url.pathname === '/open') {
      const { authorization, dpop } = req.headers;
      json(res, 200, {
        method: req.method,
        authorization: authorization?.split(' ')[0] ?? null,
        dpop: dpop !== undefined,
        'x5t#S256': certificate && thumbprint(certificate),
      });
    } else if (url.pathname === '/stats') {
      json(res, 200, stats);
    } else if (Object.hasOwn(commands, url.pathname) && req.method === 'POST') {
      commands[url.pathname](url.searchParams);
      json(res, 200, {});
    } else {
      json(res, 404, { error: 'not_found' });
    }
  }

  return (api, certificateOf) => async (req, res) => {
    try {
      await route(req, res, api, certificateOf(req));
    } catch (error) {
      console.error(error);
      if (res.headersSent) res.destroy();
      else json(res, 500, { error: 'server_error' });
    }
  };
}

// The request as oauth4webapi takes it. A name that starts with a colon belongs to HTTP/2, not to the request.
function webRequest(req, url) {
  const headers = Object.entries(req.headers).filter(([header]) => !header.startsWith(':'));
  return new Request(url, { method: req.method, headers: headers.map(([header, value]) => [header, String(value)]) });
}

function json(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

async function events(res, count, pause) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  for (let n = 0; n < count; n += 1) {
    if (n) await sleep(pause);
    res.write(`data: {"n":${n}}\n\n`);
  }
  res.end();
}
