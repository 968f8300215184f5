// Starts the authorization server and the API on loopback ports that the kernel chooses, says where they are in one
// line of JSON on stdout, and ends when its stdin closes, so that no test run leaves an orphan.
//
//   node main.mjs settings.json        (settings.mjs lists what may stand in that file)

import { once } from 'node:events';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';

import { createApi } from './api.mjs';
import { forwarded, presented } from './certificate.mjs';
import { createProvider } from './provider.mjs';
import { readSettings } from './settings.mjs';

// oidc-provider writes its notices with console.info; stdout is for the one line of JSON.
console.info = console.error;

const settings = readSettings(process.argv[2]);
const handlers = {};
// A certificate is asked for and not insisted upon: what it is good for, if anything, is decided for each request.
const asking = settings.mtls && { requestCert: true, rejectUnauthorized: false };

// The issuer and the API hold their ports in their names: listen first, build afterwards.
const as = https.createServer(settings.tls, (req, res) => handlers.as(req, res));
const mtls = settings.mtls && https.createServer(
  { ...settings.tls, ...asking, ca: settings.client_ca },
  (req, res) => handlers.as(req, res),
);
// httpcore sends one request at a time until a server says how many streams it takes, and Node does not say by itself.
const http2Settings = { maxConcurrentStreams: 100 };
const api = http2.createSecureServer(
  { ...settings.tls, ...asking, allowHTTP1: true, settings: http2Settings },
  (req, res) => handlers.api(req, res),
);
// Without TLS, and for the proxy alone.
const behind = settings.proxy && http.createServer((req, res) => handlers.behind(req, res));

const issuer = `https://${await listening(as)}${settings.issuer_path}`;
const mtlsOrigin = mtls && `https://${await listening(mtls)}`;
const apiUrl = `https://${await listening(api)}`;
const behindUrl = behind && `http://${await listening(behind)}`;

const stats = {
  as: { requested: {}, granted: {}, refused: {}, replayed: 0, routes: {}, aliases: {} },
  api: { requests: 0, accepted: 0, refused: {} },
};
const apis = [apiUrl, settings.proxy].filter(Boolean);
const server = createProvider(issuer, mtlsOrigin, apis, settings, stats.as);
handlers.as = mounted(server.provider.callback(), settings.issuer_path);
const createHandler = createApi(issuer, server, settings, stats);
handlers.api = createHandler(apiUrl, presented);
handlers.behind = createHandler(settings.proxy, forwarded);

process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
process.stdout.write(`${JSON.stringify({
  issuer,
  mtls: mtls ? `${mtlsOrigin}${settings.issuer_path}` : null,
  api: apiUrl,
  behind: behindUrl || null,
  pid: process.pid,
  node: process.version,
})}\n`);

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}

// An issuer with a path: the path is taken off as any framework that mounts an application does, and nothing is
// served outside it (so RFC 8414's inserted well-known path is a 404 there, as with most servers of this kind).
function mounted(callback, path) {
  if (!path) return callback;
  return (req, res) => {
    if (!req.url.startsWith(`${path}/`)) {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('not here');
      return;
    }
    req.originalUrl = req.url;
    req.url = req.url.slice(path.length);
    callback(req, res);
  };
}
