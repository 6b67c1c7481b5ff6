"""A library that few pages need is loaded at its first use, and a first page loads none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from inclusion_app.core.later import later

ROOT = Path(__file__).resolve().parents[2]


def test_it_gives_what_the_module_has() -> None:
    assert later("json").dumps({"a": 1}) == '{"a": 1}'


def test_a_wrong_name_is_told_at_the_first_use() -> None:
    nothing = later("no_such_module_of_ours")
    with pytest.raises(ImportError):
        nothing.anything  # noqa: B018


def test_starting_loads_no_library_of_a_few_pages(tmp_path: Path) -> None:
    asked = (
        "import sys; from inclusion_app.app import create_app; create_app().test_client().get('/healthz');"
        "print(sorted({'webauthn', 'rapidfuzz', 'zxcvbn', 'weasyprint', 'notifications_python_client'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env={"INCLUSION_INSTANCE": str(tmp_path), "PATH": ""},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
