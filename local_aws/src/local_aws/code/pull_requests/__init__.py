"""CodeCommit's pull requests: merges, comments, approval rules and their templates, events."""
