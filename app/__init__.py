"""Red Umbrella: enrolment, cover and claims of union mutual aid for gig workers."""
