"""Plans on sale, a proven rider, and a gateway: as where cover is bought."""

from tests.billing.conftest import gateway, plans, rider

__all__ = ["gateway", "plans", "rider"]
