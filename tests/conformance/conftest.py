"""The world in which the tests of this folder take place."""

from tests.world import api, door, world

__all__ = ["api", "door", "world"]
