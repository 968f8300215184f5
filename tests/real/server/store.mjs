// Where oidc-provider keeps what it issued: a Map. Its own memory adapter forgets after 1000 items, clients included.
// Nothing is purged: oidc-provider itself looks at `exp`, and the process lives as long as a test run.

const GRANTS = new Set(['Grant', 'AuthorizationCode', 'DeviceCode', 'RefreshToken', 'AccessToken']);

// `grace`: for so many seconds a refresh token that was used counts as unused (FAPI 2.0 Security Profile 5.3.2.1).
// `onReplay`: called when one is used again, in that time or because two requests raced past oidc-provider's own check.
export function createStore(grace, onReplay) {
  const items = new Map();

  return class Store {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    first(matches) {
      for (const [key, payload] of items) {
        if (key.startsWith(`${this.model}:`) && matches(payload)) return payload;
      }
      return undefined;
    }

    async upsert(id, payload) {
      items.set(this.key(id), payload);
    }

    async find(id) {
      const payload = items.get(this.key(id));
      const again = this.model === 'RefreshToken' && payload?.consumed + grace > Date.now() / 1000;
      return again ? { ...payload, consumed: undefined } : payload;
    }

    // Takes back what was granted, by one person or by all: their refresh tokens are good for invalid_grant.
    static forget(user) {
      for (const [key, payload] of items) {
        const theirs = !user || payload.accountId === user;
        if (theirs && GRANTS.has(key.split(':')[0])) items.delete(key);
      }
    }

    async findByUid(uid) {
      return this.first((payload) => payload.uid === uid);
    }

    async findByUserCode(userCode) {
      return this.first((payload) => payload.userCode === userCode);
    }

    async consume(id) {
      const payload = items.get(this.key(id));
      if (this.model === 'RefreshToken' && payload.consumed) onReplay();
      payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      items.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, payload] of items) {
        if (key.startsWith(`${this.model}:`) && payload.grantId === grantId) items.delete(key);
      }
    }
  };
}
