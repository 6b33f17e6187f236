"""The names that a foreign system gives to the fields of an envelope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.contract import Unusable
from agents.definition import loads
from agents.envelope import NAMES
from agents.message_format import MessageFormat, inward, outward
from agents.strict_yaml import Unreadable

AGENT = "name: warehouse\nrole: queue\nsettings: {to: stock}\n"
WAREHOUSE = MessageFormat(
    envelope={"from": "sender", "type": "event", "data": "payload", "correlation_id": "order_ref"},
    data={"product_id": "sku", "quantity": "qty"},
)
OURS = {
    "from": "order-agent", "to": "warehouse", "type": "check-stock",
    "data": {"product_id": "SKU-12345", "quantity": 2, "note": "fast"},
    "correlation_id": "order-789", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip
THEIRS = {
    "sender": "order-agent", "to": "warehouse", "event": "check-stock",
    "payload": {"sku": "SKU-12345", "qty": 2, "note": "fast"},
    "order_ref": "order-789", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip


def test_speaks_as_the_other_side_does():
    assert outward(OURS, WAREHOUSE) == THEIRS


def test_reads_what_the_other_side_says():
    assert inward(THEIRS, WAREHOUSE) == OURS


def test_leaves_everything_as_it_is_where_nothing_is_renamed():
    assert outward(OURS, MessageFormat()) == inward(OURS, MessageFormat()) == OURS


def test_swaps_two_names():
    swapped = MessageFormat(envelope={"from": "to", "to": "from"})

    assert outward(OURS, swapped)["from"] == "warehouse"
    assert inward(outward(OURS, swapped), swapped) == OURS


def test_refuses_a_field_that_could_not_be_told_from_a_renamed_one():
    with pytest.raises(Unusable, match="`sku` cannot stand here: .* for `product_id`"):
        outward({**OURS, "data": {"sku": 1}}, WAREHOUSE)
    with pytest.raises(Unusable, match="`product_id` cannot stand here"):
        inward({**THEIRS, "payload": {"product_id": 1}}, WAREHOUSE)


@st.composite
def formats(draw):
    words = st.text("abcdef", min_size=1, max_size=2)
    envelope = draw(st.dictionaries(st.sampled_from(NAMES), words, max_size=6))
    theirs = [envelope.get(name, name) for name in NAMES]
    if len(set(theirs)) < len(theirs):
        envelope = {}
    fields = draw(st.lists(st.tuples(words, words), unique_by=(lambda p: p[0], lambda p: p[1]), max_size=5))
    return MessageFormat(envelope=envelope, data=dict(fields))


@given(names=formats(), data=st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers()))
def test_undoes_outward_by_inward_or_refuses(names, data):
    mine = {**OURS, "data": data}
    try:
        theirs = outward(mine, names)
    except Unusable:
        return
    assert inward(theirs, names) == mine


def test_is_a_part_of_the_agent_and_comes_back_from_its_yaml():
    agent = loads(
        AGENT + "message_format: {envelope: {from: sender}, data: {product_id: sku}}\n", "warehouse.yaml"
    )

    assert agent.message_format == MessageFormat(envelope={"from": "sender"}, data={"product_id": "sku"})
    assert loads(agent.yaml(), "again.yaml") == agent


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("{envelope: {form: sender}}", "line 4: `form` is no part of an envelope. Did you mean `from`?"),
        (
            "{envelope: {from: to}}",
            "line 4: `from` and `to` would both be called `to`. Give one another",
        ),
        ("{envelope: {from: x, to: x}}", "line 4: `from` and `to` would both be called `x`."),
        ("{data: {a: x, b: x}}", "line 4: `a` and `b` would both be called `x`."),
        ("{data: {a: ''}}", "line 4: `message_format.data.a`: found ''."),
        ("{header: {a: b}}", "unknown key `message_format.header`."),
    ],
)
def test_is_refused_at_load_with_its_line_and_what_would_be_right(part, told):
    with pytest.raises(Unreadable) as refused:
        loads(AGENT + f"message_format: {part}\n", "warehouse.yaml")

    assert told in str(refused.value)
