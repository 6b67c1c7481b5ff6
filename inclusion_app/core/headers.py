"""What every answer carries: the browser rules that keep a shared screen and a borrowed phone safe."""

from __future__ import annotations

import brotli
from flask import Flask, g, make_response, request
from werkzeug.wrappers import Response

from inclusion_app.core import bilingual

CSP = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
CAMERA = (
    HEADERS["Permissions-Policy"]
    .replace("camera=()", "camera=(self)")
    .replace("geolocation=(self)", "geolocation=()")
)
SQUEEZED = ("text/html", "text/plain", "application/json", "image/svg+xml", "text/calendar", "text/csv")
SMALL = 500
# Of brotli. A long page asks for more by g.long_page.
QUALITY = 5
# What says all twice, or holds a whole paper, still comes in one window: 25 ms for 40 KB save an eighth.
QUALITY_LONG = 10


def register_headers(app: Flask, *, https: bool) -> None:
    """Put the headers on every page and every error page, and squeeze what is worth it."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        response.headers.setdefault("Cache-Control", "private, no-store")
        _unfold(response)
        return _squeeze(response)


def with_camera(page: str, status: int = 200) -> Response:
    """A page with `components/scan.html` on it: only such a page may ask the phone for its camera."""
    response = make_response(page, status)
    response.headers["Permissions-Policy"] = CAMERA
    return response


def _unfold(response: Response) -> None:
    """Take apart what the translation lookup folded: both languages on a page, the reader's alone anywhere else."""
    if response.mimetype not in SQUEEZED or response.is_streamed or response.direct_passthrough:
        return
    text = response.get_data(as_text=True)
    if bilingual.is_folded(text):
        on_page = response.mimetype == "text/html"
        response.set_data(bilingual.unfold(text) if on_page else bilingual.own_half(text))
        g.long_page = True


def _squeeze(response: Response) -> Response:
    if response.mimetype not in SQUEEZED or response.is_streamed or response.direct_passthrough:
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) < SMALL or "Content-Encoding" in response.headers:
        return response
    if request.accept_encodings["br"] > 0:
        response.set_data(brotli.compress(body, quality=QUALITY_LONG if "long_page" in g else QUALITY))
        response.headers["Content-Encoding"] = "br"
    elif request.accept_encodings["gzip"] > 0:
        import gzip

        response.set_data(gzip.compress(body, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
