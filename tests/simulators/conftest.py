"""The simulated world itself, without our clients."""

from tests.simulators_fixture import catcher

__all__ = ["catcher"]
