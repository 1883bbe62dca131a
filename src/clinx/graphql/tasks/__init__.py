"""Tasks: work of an upstream that outlives the request that began it, with progress and charge."""
