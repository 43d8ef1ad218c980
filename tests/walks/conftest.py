"""A municipal office of its own, and a district below it with a fund."""

from tests.treasury.conftest import office
from tests.treasury.test_transfers import district

__all__ = ["district", "office"]
