"""Which job hears which event, on one page: event name → job names."""

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {}
