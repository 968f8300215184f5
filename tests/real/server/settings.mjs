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
  // Seconds an access token lives.
  token_lifetime: 600,
  // Print the true cause (error_detail) of each error answer on stderr; the answers themselves do not say.
  debug: false,
};

export function readSettings(path) {
  const given = JSON.parse(readFileSync(path, 'utf8'));
  const unknown = Object.keys(given).filter((name) => !(name in DEFAULTS));
  if (unknown.length) throw new Error(`no such setting: ${unknown.join(', ')}`);
  const settings = { ...DEFAULTS, ...given };
  settings.tls = { key: readFileSync(settings.tls.key), cert: readFileSync(settings.tls.cert) };
  return settings;
}
