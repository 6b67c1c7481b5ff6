"""What a resident may choose when keeping a plan, and how long an unused plan stays. Pure."""

from __future__ import annotations

from datetime import timedelta

# Retention default, to be confirmed by the city's data-protection officer: a saved plan nobody used.
PLAN_IDLE = timedelta(days=396)  # 13 months
NICKNAME_LENGTH = 40
