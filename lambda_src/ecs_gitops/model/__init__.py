"""What all rooms share: items, batches, releases, errors, and the cleaning of texts from outside. Pure."""
