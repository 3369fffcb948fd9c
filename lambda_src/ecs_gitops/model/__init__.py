"""What all rooms share: items, batches, sources, errors, texts from outside made fit to be shown. Pure."""
