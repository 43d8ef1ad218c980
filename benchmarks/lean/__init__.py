"""The lean twin: bare Starlette handlers and an asyncpg pool, doing the same SQL effects."""
