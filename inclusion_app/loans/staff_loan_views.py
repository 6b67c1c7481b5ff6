"""One loan and what becomes of it: kept longer, another SIM, lost, a gift."""
