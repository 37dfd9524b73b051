"""What stands before every request, as pure ASGI: nothing here knows a route or a table."""
