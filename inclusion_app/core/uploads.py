"""Pages that take a file: only they, and only for who is signed in, may be sent more than a form is long."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request
from wtforms import StringField

from inclusion_app.core.staff_sessions import cookie_name

FILE_MEGABYTES = 5
LARGEST = FILE_MEGABYTES * 1024 * 1024 + 256 * 1024
# Such a page may show the lines of a file in a box, to be mended and sent again: more than other forms have.
LONGEST_TEXT = 512 * 1024


class UploadField(StringField):
    """A file that is sent along. What it is, is judged by its bytes (core.kept_files); its name is only what it is called."""

    sent: bytes = b""
    sent_name: str = ""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read the bytes."""
        file = request.files.get(self.name)
        self.sent = file.read() if file is not None else b""
        self.sent_name = (file.filename or "") if file is not None else ""

    def _value(self) -> str:
        return ""


def takes_files(view: Any) -> Any:
    """Mark a view of a page of the staff that is sent a file; stands above `room.page`'s own."""
    view.takes_files = True
    return view


def register(app: Flask) -> None:
    """Before anything reads a request: how long it may be."""

    @app.url_value_preprocessor
    def let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        view: Any = app.view_functions.get(endpoint or "")
        if getattr(view, "takes_files", False) and cookie_name() in request.cookies:
            g.file_megabytes = FILE_MEGABYTES
            request.max_content_length = LARGEST
            request.max_form_memory_size = LONGEST_TEXT
