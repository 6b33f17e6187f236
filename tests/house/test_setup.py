"""`bin/setup` on machines that are not quite ready: it says what is missing and what would help."""

import importlib.util
from importlib.machinery import SourceFileLoader

import pytest

from tests.house.files import ROOT


@pytest.fixture
def setup(monkeypatch, tmp_path):
    """The script as a module, with its environment in a folder of its own and its commands only noted."""
    loader = SourceFileLoader("clawbot_setup", str(ROOT / "bin" / "setup"))
    spec = importlib.util.spec_from_loader("clawbot_setup", loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", str(tmp_path))
    monkeypatch.setattr(module, "PYTHON", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(module, "commands", [], raising=False)
    monkeypatch.setattr(module, "run", lambda command: module.commands.append(command))
    return module


def only(*programs):
    return lambda name: name if name in programs else None


def test_tells_an_old_python_that_it_is_old(setup, monkeypatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))

    with pytest.raises(SystemExit, match=r"python3 is 3\.9\.2, and Clawbot needs 3\.11"):
        setup.main("base")


def test_tells_a_python_without_venv_what_to_install(setup, monkeypatch):
    monkeypatch.setattr(setup.shutil, "which", only())
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(SystemExit, match="apt install python3-venv"):
        setup.main("base")


def test_takes_pip_where_there_is_no_uv_and_checks_hashes_either_way(setup, monkeypatch):
    for programs in [(), ("uv",)]:
        monkeypatch.setattr(setup.shutil, "which", only(*programs))
        setup.main("base")

    (_, by_pip, _, by_uv) = setup.commands
    assert by_pip[1:3] == ["-m", "pip"]
    assert by_uv[:2] == ["uv", "pip"]
    assert "--require-hashes" in by_pip
    assert "--require-hashes" in by_uv


def test_lets_no_installer_look_for_what_the_pins_do_not_name(setup, monkeypatch):
    for programs in [(), ("uv",)]:
        monkeypatch.setattr(setup.shutil, "which", only(*programs))
        setup.main("base")

    assert all("--no-deps" in command for command in setup.commands if "install" in command)


def test_writes_its_stamp_only_when_all_is_installed(setup, monkeypatch, tmp_path):
    def fail(command):
        raise SystemExit("the disk is full")

    monkeypatch.setattr(setup, "install", fail)
    with pytest.raises(SystemExit):
        setup.main("base")

    assert not (tmp_path / ".base").exists()


def test_says_which_tests_will_be_skipped(setup, monkeypatch, capsys):
    monkeypatch.setattr(setup.shutil, "which", only("uv", "php"))

    setup.main("dev")

    said = capsys.readouterr().out
    assert "No chromium here: the browser tests will be skipped." in said
    assert "php" not in said
