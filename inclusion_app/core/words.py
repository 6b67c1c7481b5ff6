"""Markers for words that rules and data carry untranslated; the page translates them when it is drawn."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a sentence for translation; returned as it is."""
    return text


def NP_(context: str, text: str) -> str:  # noqa: N802, ARG001
    """Mark a short ambiguous word with its context."""
    return text
