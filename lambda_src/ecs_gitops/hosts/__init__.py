"""Where a manifest comes from."""
