// The client's certificate (RFC 8705): where it is read, its thumbprint, and whether it is the one of a registered
// subject (section 2.1.2).

import * as crypto from 'node:crypto';

// What nginx passes on as $ssl_client_escaped_cert.
export const FORWARDED = 'x-client-cert';

// The attribute types of a distinguished name that OpenSSL names, and RFC 4514 section 2.3 only numbers.
const NUMBERED = { '2.5.4.5': 'serialnumber', '1.2.840.113549.1.9.1': 'emailaddress' };
const SUBJECT = {
  tls_client_auth_subject_dn: (cert, expected) => sameName(cert.subject, expected),
  tls_client_auth_san_dns: alternative('DNS', (name) => name.toLowerCase()),
  tls_client_auth_san_uri: alternative('URI', (uri) => uri),
  tls_client_auth_san_ip: alternative('IP Address', address),
  tls_client_auth_san_email: alternative('email', (mailbox) => mailbox),
};

// The certificate that was presented on the TLS connection of a request, if one was.
export const presented = (req) => req.socket.getPeerX509Certificate?.();

// The certificate that a proxy says was presented to it. Whoever can send this header can be anybody: read it only on
// connections that no one but the proxy can open (RFC 8705 section 6.5).
export function forwarded(req) {
  const pem = req.headers[FORWARDED];
  return pem ? new crypto.X509Certificate(decodeURIComponent(pem)) : undefined;
}

// The confirmation method x5t#S256 (RFC 8705 section 3.1).
export const thumbprint = (cert) => crypto.hash('sha256', cert.raw, 'base64url');

// Whether `expected`, the value of one member of a client's metadata, is in the certificate.
export const subjectMatches = (cert, member, expected) => SUBJECT[member](cert, expected);

function alternative(type, normal) {
  return (cert, expected) => alternatives(cert).some((name) => name.type === type && normal(name.value) === normal(expected));
}

// Node writes `DNS:a.example, URI:"with a \u002c comma"`.
function alternatives(cert) {
  const names = (cert.subjectAltName ?? '').matchAll(/([^:]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g);
  return [...names].map(([, type, value]) => ({ type, value: value.startsWith('"') ? JSON.parse(value) : value }));
}

// RFC 8705 section 2.1.2: compared in binary form, for which the normal form of URLs will do.
function address(ip) {
  return new URL(`http://${ip.includes(':') ? `[${ip}]` : ip}`).hostname;
}

// RFC 4514 section 2.1 writes the last relative distinguished name first, Node the first one, each on a line.
function sameName(subject, expected) {
  const ours = split(subject, '\n').map(relativeName);
  const theirs = split(expected, ',').reverse().map(relativeName);
  return ours.length === theirs.length && ours.every((name, n) => name === theirs[n]);
}

// A set of attributes has no order.
const relativeName = (text) => JSON.stringify(split(text, '+').map(attribute).sort());

function attribute(text) {
  const [, type, value] = /^\s*([^=]*?)\s*=\s*(.*)$/s.exec(text) ?? [undefined, '', text];
  return `${NUMBERED[type] ?? type.toLowerCase()}=${unescaped(value)}`;
}

// At each separator that no backslash precedes.
function split(text, separator) {
  const parts = [''];
  for (const [token] of text.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (token === separator) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts;
}

// RFC 4514 section 2.4: a backslash before two hexadecimal digits makes an octet of UTF-8, before another character that one.
function unescaped(value) {
  const octets = [...value.matchAll(/\\([0-9a-f]{2})|\\?([^])/giu)].map(([, octet, character]) => (
    octet ? Buffer.from(octet, 'hex') : Buffer.from(character)
  ));
  return Buffer.concat(octets).toString();
}
