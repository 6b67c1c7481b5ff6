"""Every module of this room that has pages or says what it holds; importing this makes them known."""

from inclusion_app.referrals import (
    holding,
    messages,
    staff_together_views,
)

__all__ = [
    "holding",
    "messages",
    "staff_together_views",
]
