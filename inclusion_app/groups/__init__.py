"""Self-help groups: people who learn together keep a code, a PIN and notes, and see the step most are ready for.

Nouns: group, member. A group needs no staff account; nobody in it sees whose step it is. Used by members and by
whoever keeps the group's paper.
"""
