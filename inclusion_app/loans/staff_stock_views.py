"""Stock of one scheme: device models and their words, units, parts, SIMs and what is counted; in and out as CSV."""
