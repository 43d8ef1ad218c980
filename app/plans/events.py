"""Facts about plan versions."""

PLAN_VERSION_DRAFTED = "plan_version.drafted"
PLAN_VERSION_REPLACED = "plan_version.replaced"
PLAN_VERSION_DROPPED = "plan_version.dropped"
PLAN_VERSION_PUBLISHED = "plan_version.published"
PLAN_VERSION_CLOSED = "plan_version.closed"
PLAN_VERSION_REOPENED = "plan_version.reopened"
PLAN_VERSION_RETIRED = "plan_version.retired"
