"""The Toolbox: the one place that says whether an agent may use a tool."""

import asyncio

import pytest

from agents import tools
from agents.contract import Refused
from agents.tools import Toolbox


def use(toolbox, tool, **arguments):
    return asyncio.run(toolbox.use(tool, **arguments))


def test_refuses_a_tool_that_is_not_granted(tmp_path):
    with pytest.raises(Refused, match="does not grant. Granted: read_file"):
        use(Toolbox({"read_file": {}}, tmp_path), "fetch_url", url="https://example.org/")


@pytest.mark.parametrize("name", ["os.system", "../roles/writer", "guard", "*", "", "__init__"])
def test_refuses_whatever_is_no_tool(name):
    with pytest.raises(Refused):
        use(Toolbox({name: {}}), name)


def test_refuses_an_argument_that_nobody_declared(tmp_path):
    with pytest.raises(Refused, match="It takes: path"):
        use(Toolbox({"read_file": {}}, tmp_path), "read_file", **{"path": "a", "path ": "/etc/passwd"})


def test_refuses_a_permission_that_cannot_be_read(tmp_path):
    with pytest.raises(Refused, match="The permission for `read_file`"):
        use(Toolbox({"read_file": {"most_bytes": "-1"}}, tmp_path), "read_file", path="a")


def test_gives_every_tool_a_description_arguments_and_a_permission():
    for name in tools.names():
        module = tools.tool(name)
        assert module.__doc__
        assert module.Arguments.model_config["extra"] == "forbid"
        assert module.Permission.model_config["extra"] == "forbid"
