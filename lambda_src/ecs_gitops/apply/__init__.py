"""Make changes: register revisions, update services and targets, roll back, deregister."""
