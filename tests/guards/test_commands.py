"""Commands beside a running service: who only reads takes no lock, and nobody prints while holding one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "inclusion_app"
# Functions of the command line that change something. On SQLite a transaction() keeps everybody else from changing
# anything until it ends; whoever only reads uses reading().
WRITERS = {
    "accounts/cli.py": {"_load_staff", "invite", "reset_factors", "load_demonstration", "remove_demo"},
    "cli.py": {"run_retention", "setup", "restore_backup", "delete", "tell_late"},
    "loans/cli.py": {"_bring_in"},
    "places/cli.py": {"_settle", "import_file", "import_postcodes"},
    "roadmaps/cli.py": {"_finished", "_put"},
}
SPEAKERS = {"echo", "print", "secho", "confirm", "prompt"}


def command_files() -> list[Path]:
    return sorted(ROOT.rglob("cli.py"))


def opens(node: ast.With) -> bool:
    return any(
        isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func) == "transaction"
        for item in node.items
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in a function and not in one inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)


def writers(source: str) -> set[str]:
    return {
        function.name
        for function in functions(ast.parse(source))
        if any(isinstance(node, ast.With) and opens(node) for node in own_nodes(function))
    }


def printed_under_a_lock(source: str) -> list[int]:
    return [
        call.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.With) and opens(node)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in SPEAKERS
    ]


def test_only_commands_that_change_something_take_the_lock() -> None:
    found = {str(path.relative_to(ROOT)): writers(path.read_text()) for path in command_files()}
    assert {name: names for name, names in found.items() if names} == WRITERS


def test_nothing_is_printed_while_the_lock_is_held() -> None:
    assert {
        str(path): lines for path in command_files() if (lines := printed_under_a_lock(path.read_text()))
    } == {}


def test_a_planted_print_is_found() -> None:
    planted = "def a():\n    with transaction() as s:\n        for x in s:\n            click.echo(x)\n"
    assert (writers(planted), printed_under_a_lock(planted)) == ({"a"}, [4])
