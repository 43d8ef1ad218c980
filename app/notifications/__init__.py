"""Messages to members: one outbox, the inbox in the app, SMS and WeChat."""
