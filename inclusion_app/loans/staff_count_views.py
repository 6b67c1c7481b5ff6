"""Stock-take by scanning, its differences, and moves between places."""
