"""The release as a whole: the check before it, and the report after each stage."""
