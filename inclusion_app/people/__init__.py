"""People helped: residents, how they come back, and what they decide about their own facts.

Nouns: resident, code, PIN or pictures. A resident may exist with nothing but a code.
Used by residents themselves; staff pages come with accounts.
"""
