"""What a resident may choose when keeping a plan, and how long unused plans and codes stay. Pure."""

from __future__ import annotations

from datetime import timedelta

# Retention default, to be confirmed by the city's data-protection officer: a saved plan nobody used.
PLAN_IDLE = timedelta(days=396)  # 13 months
# As long as a sticker may lie in a drawer before its paper is typed in.
STICKER_LIFE = timedelta(days=731)  # 24 months
NICKNAME_LENGTH = 40
# What a resident shares by a consent, item by item; later rooms add theirs.
ITEMS = ("identity", "contact", "needs", "plan")
# A consent ends by itself, to be asked again.
CONSENT_LIFE = timedelta(days=365)
MERGE_UNDONE_WITHIN = timedelta(days=90)
GLASS_BROKEN_FOR = timedelta(minutes=60)
GLASS_REVIEWED_WITHIN_DAYS = 2  # working days
LINK_LIFE = timedelta(minutes=30)
