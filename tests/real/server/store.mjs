// Where oidc-provider keeps what it issued: a Map. Its own memory adapter forgets after 1000 items, clients included.
// Nothing is purged: oidc-provider itself looks at `exp`, and the process lives as long as a test run.

export function createStore() {
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
      return items.get(this.key(id));
    }

    async findByUid(uid) {
      return this.first((payload) => payload.uid === uid);
    }

    async findByUserCode(userCode) {
      return this.first((payload) => payload.userCode === userCode);
    }

    async consume(id) {
      items.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
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
