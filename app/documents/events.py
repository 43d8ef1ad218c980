"""Job names of documents."""

SWEEP = "documents.sweep"
