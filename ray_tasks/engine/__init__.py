"""Makes pictures in batches with one model on one card, with Ray or without it."""
