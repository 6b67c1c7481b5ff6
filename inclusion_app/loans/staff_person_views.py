"""A caseworker or referrer asks for somebody of their caseload, and reads how it stands."""
