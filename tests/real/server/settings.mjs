// What a test can switch: the members of the settings file, with their defaults.

import { readFileSync } from 'node:fs';

const DEFAULTS = {
  // Required: paths of PEM files, { key, cert }.
  tls: undefined,
  // Client metadata in the words of RFC 7591, a list.
  clients: [],
  // What the API authenticates with at the introspection endpoint: { client_id, client_secret }.
  introspection: undefined,
  // Who may issue assertions for the jwt-bearer grant (RFC 7523 2.1) besides the client itself: { iss: JWKS }.
  assertion_issuers: {},
  // The path of the issuer, "" or for example "/tenant".
  issuer_path: '',
  // Whether the authorization server knows DPoP at all (RFC 9449), and whether it demands nonces (section 8).
  dpop: true,
  dpop_nonces: true,
  // Whether the authorization server and the API know client certificates (RFC 8705), the former at endpoints of their own
  // (section 5), and the PEM file of the authority that issues them.
  mtls: true,
  client_ca: undefined,
  // The URL of a proxy before the API, "" if there is none. It ends TLS, and passes the client's certificate on.
  proxy: '',
  // Seconds an access token lives.
  token_lifetime: 600,
  // Show oidc-provider's own login and consent pages, for a browser; else person.mjs logs in without a page.
  login_pages: false,
  // Whether there is a pushed authorization request endpoint (RFC 9126), and whether all requests must come through it.
  par: true,
  require_par: false,
  // Whether every authorization request must be signed (RFC 9101); a client can be registered with that, too.
  require_signed_request_object: false,
  // Whether clients may register (RFC 7591), what they must bring ("" for nothing), and whether each update of a client
  // brings another registration access token (RFC 7592).
  registration: true,
  initial_access_token: '',
  rotate_registration_tokens: true,
  // Whether each refresh brings another refresh token, and for how many seconds after that the last one is still taken.
  rotate_refresh_tokens: true,
  refresh_grace: 0,
  // Whether refresh tokens go only to those who asked for the scope offline_access.
  offline_access: true,
  // Seconds a refresh token and a device code live.
  refresh_lifetime: 14 * 24 * 60 * 60,
  device_lifetime: 600,
  // Milliseconds that the token endpoint takes, one half before the request is handled and the other half after.
  token_delay: 0,
  // Print the true cause (error_detail) of each error answer on stderr; the answers themselves do not say.
  debug: false,
};

export function readSettings(path) {
  const given = JSON.parse(readFileSync(path, 'utf8'));
  const unknown = Object.keys(given).filter((name) => !(name in DEFAULTS));
  if (unknown.length) throw new Error(`no such setting: ${unknown.join(', ')}`);
  const settings = { ...DEFAULTS, ...given };
  settings.tls = { key: readFileSync(settings.tls.key), cert: readFileSync(settings.tls.cert) };
  if (settings.mtls) settings.client_ca = readFileSync(settings.client_ca);
  return settings;
}
