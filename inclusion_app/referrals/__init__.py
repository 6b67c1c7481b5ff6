"""Referrals and caseload: one person is helped by many agencies, and nothing and nobody is lost between them.

Nouns: city service, referral, public referral, partner's link, case note, task, outreach sheet. Used by caseworkers,
referrers, safeguarding leads and partners without an account; a resident follows and ends their own.
"""
