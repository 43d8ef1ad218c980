"""Uploads, the proof that a file is harmless, encrypted storage, and views."""
