"""How a scheme lends: its points, its times, its quotas."""
