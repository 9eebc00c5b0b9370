"""The sample shop: two invented merchants with rendered packshots, users' events and a kept ground truth."""
