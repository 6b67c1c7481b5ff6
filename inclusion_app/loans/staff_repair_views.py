"""Repair: tickets, workshops, results."""
