"""IAM: what a call is authorized on, who may make it, and the roles of services."""
