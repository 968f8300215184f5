"""The object that an httpx or httpx2 client takes as its `auth`."""
