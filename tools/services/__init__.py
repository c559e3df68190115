"""Real servers for tests, on loopback: `python -m tools.services start|stop|status [NAME ...]`."""
