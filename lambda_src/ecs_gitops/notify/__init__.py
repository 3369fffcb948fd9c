"""Messages to people, and metrics, as data. Other rooms send them. Pure."""
