"""What turns words into code stands in few places, and each is listed in SECURITY.md."""

import ast

from tests.house.files import ROOT, name_of, ours, text_of

CODE = [path for folder in ("agents", "tasks", "clawbot") for path in ours("*.py", ROOT / folder)]
CODE = [path for path in CODE if "migrations" not in path.parts]

#: calls that import, run, unpickle or open by a name
INTERPRETERS = {
    "eval", "exec", "compile", "__import__", "import_module", "import_string", "literal_eval", "locate",
    "get_template", "select_template", "from_string", "Template", "format_map", "run_path", "run_module",
}  # fmt: skip
#: file -> what it calls, and why nobody outside chooses the name
ALLOWED = {
    "agents/page.py": {"get_template"},  # two names in the file
    "agents/registry.py": {"import_module"},  # a role that lies in agents/roles/
    "agents/tools/__init__.py": {"import_module"},  # a tool that lies in agents/tools/
    "clawbot/live/socket.py": {"import_module"},  # the session engine of the settings
    "tasks/border/bridge/redis_list.py": {"eval"},  # Redis runs a script that stands in the file
    "tasks/carriers/__init__.py": {"import_module"},  # a carrier that lies in tasks/carriers/
    "tasks/queue.py": {"import_module"},  # one of three brokers
    "tasks/outbox.py": {"get_template"},  # a kind of notice that the code names
}
#: modules that run programs or rebuild objects from bytes
MODULES = {"pickle", "marshal", "shelve", "dill", "code", "codeop", "runpy", "pydoc", "subprocess"}
USERS = {
    "clawbot/bench/engine.py": {"subprocess"}, "clawbot/bench/limit.py": {"subprocess"},
    "clawbot/management/commands/bench.py": {"subprocess"},
    "clawbot/management/commands/doctor.py": {"subprocess"},
    "clawbot/management/commands/up.py": {"subprocess"}, "clawbot/services.py": {"subprocess"},
    "tasks/engine/child.py": {"subprocess"},
}  # fmt: skip
MATCHING = {"compile", "search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn"}


def found(look):
    """File -> what `look` finds in it."""
    there = {
        name_of(path): {word for node in ast.walk(ast.parse(text_of(path))) for word in look(node)}
        for path in CODE
    }
    return {name: words for name, words in there.items() if words}


def test_only_listed_places_turn_a_name_into_code():
    def calls(node):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in INTERPRETERS:
                yield name
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in INTERPRETERS:
                if not (isinstance(value, ast.Name) and value.id in {"re", "re2"}):
                    yield name

    assert found(calls) == ALLOWED


def test_only_listed_places_run_programs_and_none_unpickles():
    def imports(node):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if one.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                yield module

    assert found(imports) == USERS


def test_pythons_own_patterns_are_written_in_the_code():
    """Whatever else is looked for comes from people: agents/patterns.py takes it in linear time."""

    def given(node):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name), args=[first, *_]):
                if name in MATCHING and not isinstance(first, ast.Constant | ast.JoinedStr):
                    yield f"re.{name}({ast.unparse(first)})"

    assert found(given) == {}


def test_the_page_for_operators_names_each_interpreter():
    page = text_of(ROOT / "SECURITY.md")

    for file in ("agents/patterns.py", "tasks/queue.py", "agents/strict_yaml.py", *ALLOWED):
        assert f"`{file}`" in page, file
