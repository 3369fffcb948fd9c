"""What comes next in a release, and what its outcome is. Pure."""
