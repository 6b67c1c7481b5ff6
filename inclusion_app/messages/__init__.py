"""What leaves the service for a person: by e-mail, text message, letter or a call somebody makes.

Nouns: message (a row of the outbox), channel, template, tray item (a letter to post, a call to make), job.
Used by every room through `core/events.py`, and by staff who post letters and make calls.
"""
