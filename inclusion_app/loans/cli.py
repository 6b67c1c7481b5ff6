"""Commands of the loan scheme: stock in and out as CSV."""
