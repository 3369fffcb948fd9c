"""Where a manifest comes from: a build of the pipeline, or a git checkout."""
