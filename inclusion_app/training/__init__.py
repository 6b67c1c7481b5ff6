"""Training: sessions people can really get to, booked for oneself or for somebody, and who came.

Nouns: course, session (what is booked), occurrence (each date of it), booking, waiting list, offer, register, credential.
Residents find and book; their helpers book for them; training organisers of an organisation run their own sessions.
"""
