"""The names of the outbox's jobs."""

SEND = "notifications.send"
