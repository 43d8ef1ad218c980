"""The outside systems as one HTTP server, for demo and tests; shares no code with the clients."""
