// How the API says no (RFC 6750 section 3, RFC 9449 section 7.1).

const ALGORITHMS = 'ES256 ES384 ES512 Ed25519 EdDSA PS256 PS384 PS512 RS256';

export class Refusal extends Error {
  constructor(status, error, description, { nonce, scope } = {}) {
    super(description);
    this.status = status;
    this.error = error;
    this.nonce = nonce;
    this.scope = scope;
  }

  // RFC 9449 section 7.1; a request that brought no token at all is told no error code (RFC 6750 section 3.1).
  challenge(scheme) {
    const parameters = [
      this.error && `error="${this.error}"`,
      this.error && `error_description="${this.message.replace(/["\\]/g, "'")}"`,
      this.scope && `scope="${this.scope}"`,
      scheme === 'DPoP' && `algs="${ALGORITHMS}"`,
    ];
    return `${scheme} ${parameters.filter(Boolean).join(', ')}`;
  }
}
