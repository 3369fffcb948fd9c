"""The desired state of each target, from the manifest and the settings. Pure."""
