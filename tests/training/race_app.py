"""The service for the race: as it is, but two hundred may book from one machine."""

from dataclasses import replace

from inclusion_app.app import create_app
from inclusion_app.core import attempts

attempts.BOOKING_NETWORK = replace(attempts.BOOKING_NETWORK, tries=1_000_000)
app = create_app()
