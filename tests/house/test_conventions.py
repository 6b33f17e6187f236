"""Habits that a reader may rely on, read from the files themselves."""

import ast
import re

import pytest

from tests.house.files import ROOT, name_of, ours, text_of

# Letters in brackets, so that this line does not name what it looks for.
REGISTRY = re.compile(
    r"\b(?:py[p]i|python[h]osted|npm[j]s|yarn[p]kg|js[d]elivr|un[p]kg|cr[a]tes)\.(?:org|com|net|io)\b"
)
OWN_MACHINE = re.compile(r"""(?:^|[\s"'`(=:])/(?:work|root|Users/\w+|home/\w+)/""", re.MULTILINE)
LINUX_ONLY = re.compile(r"/proc\b")
VAGUE = re.compile(r"(?:Manager|Service|Helper|Utils?)$|^(?:Base|Abstract)[A-Z]")
LOOSE_END = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b(?!.*(?:#|issue )\d+)")
HEX = re.compile(r":[^;{}]*#[0-9a-fA-F]{3,8}\b")

CODE = [path for folder in ("agents", "tasks", "clawbot") for path in ours("*.py", ROOT / folder)]
TEXTS = [path for path in ours() if text_of(path)]


def places(pattern, paths):
    """Where a pattern occurs: "file:line: text"."""
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_names_no_package_registry():
    assert places(REGISTRY, TEXTS) == []


def test_names_no_folder_of_one_machine():
    assert places(OWN_MACHINE, TEXTS) == []


def test_reads_no_folder_that_only_linux_has():
    """psutil tells about processes on every system."""
    assert places(LINUX_ONLY, CODE) == []


def test_leaves_no_loose_end_without_an_issue():
    assert places(LOOSE_END, [path for path in TEXTS if path.suffix in {".py", ".html", ".css", ".js"}]) == []


def test_calls_no_class_by_a_word_that_says_nothing():
    vague = [
        f"{name_of(path)}: {node.name}"
        for path in CODE
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]

    assert vague == []


def test_keeps_colours_in_the_tokens():
    components = [path for path in ours("*.css", ROOT / "static") if path.name != "tokens.css"]

    assert places(HEX, components) == []


@pytest.mark.parametrize(
    ("family", "tests"),
    [
        ("agents/roles", "tests/agents/roles"),
        ("agents/tools", "tests/agents/tools"),
        ("tasks/carriers", "tests/tasks/carriers"),
        ("tasks/orchestrator", "tests/tasks/orchestrator"),
    ],
)
def test_tests_every_member_of_a_family_that_grows(family, tests):
    members = [
        path.stem
        for path in (ROOT / family).iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
    ]

    untested = [
        name
        for name in members
        if not (ROOT / tests / f"test_{name}.py").exists() and not (ROOT / tests / name).is_dir()
    ]

    assert untested == []


def test_gives_every_role_a_job_description_and_its_words():
    wanted = {"ACCEPTS", "RETURNS", "TOOLS", "work"}
    lacking = {}
    for path in (ROOT / "agents/roles").glob("[!_]*.py"):
        tree = ast.parse(text_of(path))
        lacks = wanted - set(_names(tree)) | (set() if ast.get_docstring(tree) else {"docstring"})
        if lacks:
            lacking[path.stem] = lacks

    assert lacking == {}


def _names(tree):
    """What a module defines or imports at its top level."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                yield from (alias.asname or alias.name for alias in names)
