"""The WSGI entry; `flask` finds it by itself."""

from inclusion_app.app import create_app

app = create_app()
