"""The operators of plan documents: what each is made of. What they mean is in `expressions`."""
