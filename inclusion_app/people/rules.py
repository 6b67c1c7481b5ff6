"""What a resident may choose when keeping a plan, and how long unused plans and codes stay. Pure."""

from __future__ import annotations

from datetime import timedelta

# Retention default, to be confirmed by the city's data-protection officer: a saved plan nobody used.
PLAN_IDLE = timedelta(days=396)  # 13 months
# As long as a sticker may lie in a drawer before its paper is typed in.
STICKER_LIFE = timedelta(days=731)  # 24 months
NICKNAME_LENGTH = 40
