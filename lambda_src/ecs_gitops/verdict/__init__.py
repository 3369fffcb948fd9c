"""Is a deployment or a hook done, and how did it end? Judged from what AWS answers. Pure."""
