"""Built static files: named by content, and kept for the services that still run on the build before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from inclusion_app.core import assets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "css").mkdir()
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    monkeypatch.setattr(assets, "BUILD", tmp_path / "build")
    monkeypatch.setattr(assets, "PARTS", {"app.css": ("css/app.css",)})
    return tmp_path


def _write(folder: Path, text: str) -> str:
    (folder / "css" / "app.css").write_text(text)
    return assets.build()["app.css"]


def test_a_new_build_leaves_the_one_a_running_service_names(folder: Path) -> None:
    old = _write(folder, "a{color:red}")
    new = _write(folder, "a{color:blue}")
    assert old != new
    for name in (old, f"{old}.br", f"{old}.gz", new):
        assert (folder / "build" / name).exists(), name
    assert assets.manifest() == {"app.css": new}


def test_builds_nobody_can_still_name_go(folder: Path) -> None:
    old = _write(folder, "a{color:red}")
    past = time.time() - assets.KEPT_SECONDS - 60
    for path in (folder / "build").glob(f"{old}*"):
        os.utime(path, (past, past))
    new = _write(folder, "a{color:blue}")
    assert not list((folder / "build").glob(f"{old}*"))
    assert len(list((folder / "build").glob(f"{new}*"))) == 3
