"""The server: protocol, settings, clocks, the log of calls, the control address; and the client that starts it."""
