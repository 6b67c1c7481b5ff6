"""The desk: what today asks of a coordinator."""
