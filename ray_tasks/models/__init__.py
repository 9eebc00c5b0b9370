"""What loads weights: each model by hub id and pinned revision, or by local folder."""
