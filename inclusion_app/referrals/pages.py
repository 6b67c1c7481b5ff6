"""Every module of this room that has pages or says what it holds; importing this makes them known."""

from inclusion_app.referrals import (
    demonstration,
    holding,
    messages,
    my_views,
    public_views,
    staff_public_views,
)

__all__ = [
    "demonstration",
    "holding",
    "messages",
    "my_views",
    "public_views",
    "staff_public_views",
]
