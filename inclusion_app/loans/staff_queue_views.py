"""The queue: requests to decide, their order and why, offers and their slots."""
