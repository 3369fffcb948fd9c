"""What an instance keeps in a bucket of its own (``modules/ledger``): now its settings, which Terraform writes."""
