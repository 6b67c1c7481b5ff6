"""Which page of a long list is asked for, by `?page=` in the address."""

from __future__ import annotations

from flask import request


def page_number(total: int, on_a_page: int) -> int:
    """The page asked for, from 1 to the last one that holds a row; the first for what is no number."""
    typed = request.args.get("page", "1")
    last = max(1, -(-total // on_a_page))
    return min(max(1, int(typed)), last) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 1
