"""Who works with the service: organisations, their staff, what each may do, and how they sign in.

Nouns: organisation, staff, membership (a role in an organisation), invitation, passkey, recovery code.
Used by staff; residents never have an account.
"""
