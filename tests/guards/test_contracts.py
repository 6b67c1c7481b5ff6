"""The import contracts hold, and each is shown to fail on a planted fault. The benchmarks run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip


PLANTED = [
    (
        "inclusion_app/places/services.py",
        "from inclusion_app.roadmaps import rules",
        "A room may use the rooms below it",
    ),
    (
        "inclusion_app/core/clock.py",
        "from inclusion_app.people import rules",
        "A room may use the rooms below it",
    ),
    ("inclusion_app/roadmaps/rules.py", "import flask", "Rules are pure"),
    ("inclusion_app/people/rules.py", "import sqlalchemy", "Rules are pure"),
    ("inclusion_app/people/services.py", "import flask", "Services know no Flask"),
    ("inclusion_app/core/paper.py", "import weasyprint", "Web workers never load WeasyPrint"),
]


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    shutil.copytree(
        ROOT / "inclusion_app",
        tmp_path / "inclusion_app",
        ignore=shutil.ignore_patterns("__pycache__", "city"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.write_text(
        planted.read_text().replace(
            "from __future__ import annotations\n", f"from __future__ import annotations\n{line}\n", 1
        )
    )
    done = lint(tmp_path)
    assert done.returncode == 1
    broken = [row for row in done.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), done.stdout


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


TEMPLATES = [
    ("<div><p>Open</div>", "H025"),
    ('<img src="/x">', "H013"),
    ('{% extends "layouts/page.html" %}{% block main %}{% endblock %}<p>Lost</p>', "T042"),
]


@pytest.mark.parametrize(("template", "rule"), TEMPLATES)
def test_a_planted_template_fault_is_found(tmp_path: Path, template: str, rule: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "planted.html").write_text(template + "\n")
    done = subprocess.run(
        [str(LINT.with_name("djlint")), "--lint", "--quiet", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert rule in done.stdout


def test_planted_layout_of_code_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "planted.py").write_text("x = { 'a':1 }\n")
    done = subprocess.run(
        [str(LINT.with_name("ruff")), "format", "--check", "--no-cache", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "planted.py" in done.stdout


def test_the_benchmarks_of_training_run_and_nothing_is_oversold() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/training.py", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "never oversold"
    assert "2 workers" in done.stdout and "8 workers" in done.stdout


def test_the_benchmarks_of_loans_run_and_nothing_is_issued_twice() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/loans.py", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "never issued twice"


def test_the_benchmark_of_the_caseload_runs_and_asks_no_more_of_a_city() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/caseload.py", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "flat"


def test_the_benchmarks_run() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/run.py", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 7
