"""Partner lists: full snapshots of a platform's riders, applied in slices by the worker."""
