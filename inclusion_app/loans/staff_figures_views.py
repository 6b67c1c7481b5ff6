"""Use, idle stock, outcomes and the carbon that re-use saves, in sums nobody stands in."""
