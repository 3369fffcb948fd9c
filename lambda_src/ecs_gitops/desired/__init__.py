"""From a manifest and the settings to what each target is to be. Pure."""
