"""Follow what was started until it is done."""
