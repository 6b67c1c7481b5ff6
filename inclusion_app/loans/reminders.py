"""What the worker does for loans: serve the queue, end offers, remind, warn before data ends."""
