"""Every module of this room that has pages or says what it holds; importing this makes them known."""

from inclusion_app.referrals import (
    holding,
    messages,
)

__all__ = [
    "holding",
    "messages",
]
