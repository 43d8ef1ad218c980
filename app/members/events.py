"""Facts that members make known, and the names of this feature's jobs."""

IDENTITY_PASSED = "identity.passed"
MEMBER_JOINED = "member.joined"
CONSENT_WITHDRAWN = "consent.withdrawn"

FOLLOW_CHECK = "members.follow_identity_check"
FORGET_STALE = "members.forget_stale"
