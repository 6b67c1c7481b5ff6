"""One maker for each model: rows with usual facts, all of which can be said otherwise."""
