"""Orders for renewals and upgrades, options, chosen days, what buyers state"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
