"""Make a change: register revisions, update services and targets, roll back, deregister."""
