"""The world in which the tests of this folder take place."""

from tests.conformance.presenting import certificate, mesh, method
from tests.world import api, door, world

__all__ = ["api", "certificate", "door", "mesh", "method", "world"]
