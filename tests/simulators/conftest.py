"""The simulated world itself, without our clients."""

from tests.simulators_fixture import catcher, simulators

__all__ = ["catcher", "simulators"]
