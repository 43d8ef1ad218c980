"""What runs in the bounded child process: decoders of files that strangers sent.

Nothing here imports the application: the child has no settings, no keys, no database.
"""
