"""Enrolment codes and their scan, and the caseworker's batches on site."""
