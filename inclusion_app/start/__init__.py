"""The front door: start page, statements, the way out, and the answers operations asks for.

Nouns: statement, language, exit. Used by everybody; knows the visit but no plan.
"""
