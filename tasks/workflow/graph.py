"""The graph of a workflow's stages: what comes before and after, and what can never work.

Everything that could make a task stick for ever (a cycle, a missing agent, a stage that no task can
reach) is found here, before any task runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents import registry
from agents.definition import Definition
from agents.strict_yaml import Document, nearest
from tasks import access

from . import conditions
from .shape import HUMAN, Shape, Stage, endings

#: what a stage that fans out says once its items are joined
JOINED = ("count", "skipped")
#: what a stage's compensation is called; no stage may be named so, for a name has no dot
UNDO = ".undo"


def upstream(name: str, stages: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of all stages that must be done before this one; contains `name` itself in a cycle."""
    needs = {stage["name"]: tuple(stage["needs"]) for stage in stages}
    seen: set[str] = set()
    todo = list(needs.get(name, ()))
    while todo:
        stage = todo.pop()
        if stage not in seen:
            seen.add(stage)
            todo.extend(needs.get(stage, ()))
    return seen


def downstream(name: str, stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """This stage and all that wait for it, in the order of the file."""
    return [
        stage["name"] for stage in stages if stage["name"] == name or name in upstream(stage["name"], stages)
    ]


def problems(
    document: Document,
    shape: Shape,
    agents: Mapping[str, Definition],
    workflows: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Everything about stages that one stage alone cannot know, one sentence each with its line.

    `agents` are the configured agents by name; `workflows`, where known, tells which workflows there
    are and which each of them injects.
    """
    found = _Checks(shape, agents, workflows).all()
    return [document.problem(text, "stages", index, *path) for index, text, *path in found]


def told(
    shape: Shape, agents: Mapping[str, Definition], workflows: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """The same of a workflow that is no file any more: with the name of the stage instead of the line."""
    return [
        f"{shape.name}, stage {shape.stages[index].name}: {text}"
        for index, text, *_ in _Checks(shape, agents, workflows).all()
    ]


#: keys that do nothing at a stage whose role does not act on them, and why
_UNREAD = {
    "judges": "`{agent}` (role {role}) judges nothing: it gives no findings. It gets a text by `accepts`.",
    "send_back": "`{agent}` (role {role}) never sends work back: it gives no verdict.",
    "deciders": "`{agent}` (role {role}) never asks for leave to make a call, so nobody decides here.",
}


class _Checks:
    def __init__(
        self,
        shape: Shape,
        agents: Mapping[str, Definition],
        workflows: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self.shape, self.agents, self.workflows = shape, agents, workflows
        self.names = [stage.name for stage in shape.stages]
        self.by_name = {stage.name: stage for stage in shape.stages}
        stages = [{"name": stage.name, "needs": stage.needs} for stage in shape.stages]
        self.before = {name: upstream(name, stages) for name in self.names}
        self.made = {kind for stage in shape.stages for kind in self._returns(stage)}

    def all(self) -> Iterator[tuple[Any, ...]]:
        """Each problem as the place of its stage, its sentence, and the keys that lead to its line."""
        for index, stage in enumerate(self.shape.stages):
            for check in (
                self._name, self._needs, self._agent, self._role, self._judges, self._notify, self._when,
                self._each, self._inject, self._undo,
            ):  # fmt: skip
                for text, *path in check(index, stage):
                    yield index, text, *path
        if not any(name in self.before[name] for name in self.names):
            for index, text in self._unreachable():
                yield index, text, "when"

    def _returns(self, stage: Stage) -> tuple[str, ...]:
        return self.agents[stage.agent].returns if stage.agent in self.agents else ()

    def _name(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        if stage.name in self.names[:index]:
            yield f"the stage `{stage.name}` is there twice. Give one another name.", "name"
        if stage.name == "input":
            yield "no stage may be called `input`: that word names what the task brought.", "name"

    def _needs(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        for other in stage.needs:
            if other not in self.names:
                yield f"needs `{other}`, which is no stage. {nearest(other, self.names)}", "needs"
        if len(set(stage.needs)) < len(stage.needs):
            yield f"`{stage.name}` needs the same stage twice. Name it once.", "needs"
        circle = {name for name in self.before[stage.name] if stage.name in self.before.get(name, ())}
        if circle and stage.name == next(name for name in self.names if name in circle):  # told once
            others = ", ".join(name for name in self.names if name in circle and name != stage.name)
            way = f", by way of {others}" if others else ""
            yield f"`{stage.name}` needs itself{way}. Remove one `needs`.", "needs"

    def _agent(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        if not stage.agent or stage.agent == HUMAN:
            return
        if stage.agent not in self.agents:
            hint = nearest(stage.agent, [*self.agents, HUMAN])
            yield f"no agent is called `{stage.agent}`. {hint}", "agent"
            return
        for kind in self.agents[stage.agent].accepts:
            if kind not in self.made:
                yield (
                    f"`{stage.agent}` accepts `{kind}`, which no stage of this workflow returns.",
                    "agent",
                )

    def _role(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        """What a role does not act on is refused: it would do nothing, and nobody would say so."""
        for name, key in ((stage.agent, "agent"), (stage.undo, "undo")):
            if agent := self.agents.get(name):
                yield from ((text, key) for text in self._places(agent))
        if stage.agent not in self.agents:
            return
        agent = self.agents[stage.agent]
        role = registry.role(agent.role)
        for key in ("judges", "send_back", "deciders"):
            if not role.reads(key) and getattr(stage, key) != Stage.model_fields[key].default:
                yield f"{_UNREAD[key].format(agent=agent.name, role=role.name)} Remove it.", key
        if stage.output:
            written = role.writes(agent.settings)
            lost = [one for one in endings(stage.output)[1] if written != ("*",) and one not in written]
            if lost and not written:
                yield f"`{agent.name}` (role {role.name}) writes no files. Remove `output`.", "output"
            elif lost:
                yield (
                    f"`{agent.name}` (role {role.name}) writes no .{lost[0]} file; it writes "
                    f"{', '.join(written)}. Name only those.",
                    "output",
                )

    def _places(self, agent: Definition) -> Iterator[str]:
        """The fields of other stages that an agent's settings read."""
        for setting, place in registry.role(agent.role).references(agent.settings).items():
            name, _, field = place.partition(".")
            if name == "item" or (name == "input" and not field):
                continue
            if wrong := self._unsaid(name, field.partition(".")[0]):
                yield f"`{agent.name}` reads `{place}` (its `settings.{setting}`), {wrong}"

    def _unsaid(self, name: str, field: str) -> str:
        """Why nobody says this field, and what would be right; empty if somebody does."""
        if name == "input":
            known = self.shape.input.get("properties")
            if not isinstance(known, dict) or field in known or field == "title":
                return ""
            return f"which the input does not have. {nearest(field, [*known])}"
        if name not in self.names:
            return f"and there is no stage `{name}`. {nearest(name, self.names)}"
        other = self.by_name[name]
        if other.agent == HUMAN:
            return f"but at `{name}` a person decides; it says no fields."
        if other.each:
            says: tuple[str, ...] = JOINED
        elif agent := self.agents.get(other.agent):
            says = registry.role(agent.role).fields(agent.settings)
        else:
            return ""  # an injected task says what its workflow says
        if says == ("*",) or (field in says and field):
            return ""
        hint = nearest(field, list(says)) if says else "Pass its text on by `accepts`."
        return f"and `{name}` says {f'no `{field}`' if says else 'no fields'}. {hint}"

    def _judges(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        before = sorted(self.before[stage.name])
        if stage.judges and stage.judges not in before:
            hint = nearest(stage.judges, before)
            yield f"judges `{stage.judges}`, which does not run before it. {hint}", "judges"
        if stage.send_back and stage.send_back.to not in before:
            hint = nearest(stage.send_back.to, before)
            yield (
                f"sends back to `{stage.send_back.to}`, which does not run before it. {hint}",
                "send_back",
                "to",
            )

    def _notify(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        gate = next((one.name for one in self.shape.stages if one.agent == HUMAN and one.notify), "")
        if stage.notify and stage.agent != HUMAN and gate:
            yield (
                f"whoever it names is told at the end, and only if no person's stage tells anybody; `{gate}` "
                "does. Remove this `notify`, or name the groups there.",
                "notify",
            )
        for group in stage.notify:
            if group not in access.GROUPS:
                yield (
                    f"notifies `{group}`, which is no group. {nearest(group, list(access.GROUPS))}",
                    "notify",
                )

    def _when(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        for reference in conditions.references(stage.when):
            yield from ((text, "when") for text in self._reads(stage, reference))

    def _reads(self, stage: Stage, reference: str) -> Iterator[str]:
        """A reference must name the task's input or a stage that runs before."""
        name, _, field = reference.partition(".")
        if name in self.names and name not in self.before[stage.name]:
            yield (
                f"reads `{reference}`, but `{name}` does not run before `{stage.name}`. "
                f"Add `{name}` to the `needs` of `{stage.name}` or of a stage before it."
            )
        elif wrong := self._unsaid(name, field):
            yield f"reads `{reference}`, {wrong}"

    def _each(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        if not stage.each:
            return
        if stage.agent == HUMAN:
            yield "a person is asked once, not once per item. Ask after the stage that joins them.", "each"
        if stage.output and "{item}" not in stage.output:
            yield "every item would write the same file. Put {item} into its name.", "output"
        name, dot, _ = stage.each.partition(".")
        if dot:
            yield from ((text, "each") for text in self._reads(stage, stage.each))
        elif name not in self.before[stage.name]:
            hint = nearest(name, sorted(self.before[stage.name]))
            yield f"fans out over `{name}`, which does not run before it. {hint}", "each"
        elif not self.by_name[name].each:
            yield (
                f"fans out over the items of `{name}`, which has none. "
                f"Name one of its lists, e.g. `each: {name}.items`.",
                "each",
            )

    def _inject(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        for name, reference in stage.give.items():
            if reference == "item" or reference.startswith("item."):
                if not stage.each:
                    yield f"gives `{reference}`, but the stage has no `each`.", "give", name
            else:
                yield from ((text, "give", name) for text in self._reads(stage, reference))
        if not stage.inject or self.workflows is None:
            return
        if stage.inject != self.shape.name and stage.inject not in self.workflows:
            hint = nearest(stage.inject, sorted(self.workflows))
            yield f"injects `{stage.inject}`, which is no workflow. {hint}", "inject"
        elif stage.inject == self.shape.name or self.shape.name in self._injected_by(stage.inject):
            yield (
                f"injects `{stage.inject}`, which leads back to `{self.shape.name}`: its tasks would never "
                "end. Inject another workflow.",
                "inject",
            )

    def _injected_by(self, name: str) -> set[str]:
        """Every workflow that this one injects, directly or through others."""
        seen: set[str] = set()
        todo = [name]
        while todo:
            for other in (self.workflows or {}).get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    def _undo(self, index: int, stage: Stage) -> Iterator[tuple[Any, ...]]:
        if stage.undo and stage.undo not in self.agents:
            yield f"no agent is called `{stage.undo}`. {nearest(stage.undo, [*self.agents])}", "undo"
        if stage.on_failure == "undo" and not any(
            self.by_name[name].undo for name in {stage.name, *self.before[stage.name]} if name in self.by_name
        ):
            yield (
                f"`{stage.name}` undoes what came before it, and no stage before it has an `undo`. "
                "Give one an `undo: AGENT`, or write `on_failure: escalate`.",
                "on_failure",
            )

    # -- What no task can reach ---------------------------------------------------------------------

    def _unreachable(self) -> Iterator[tuple[int, str]]:
        """Stages whose conditions contradict those of every way that leads to them.

        What must hold where a stage runs is kept as allowed values per field; of several ways into a
        stage, any one is enough.
        """
        allowed: dict[str, dict[str, set[str]]] = {}
        for name in self._in_order():
            stage = self.by_name[name]
            own = _equalities(stage.when)
            ways = [allowed[other] for other in stage.needs if other in allowed]
            facts = _union(ways)
            for field, values in own.items():
                facts[field] = facts[field] & values if field in facts else values
            empty = next((field for field, values in facts.items() if not values), None)
            if empty and all(all(way.values()) for way in ways):
                text = (
                    f"`{name}` can never run: it asks for {empty} to be "
                    f"{' or '.join(sorted(own.get(empty, ())))}, and no stage that it needs runs then. "
                    "Change its `when`, or what it `needs`."
                )
                yield self.names.index(name), text
            allowed[name] = facts

    def _in_order(self) -> list[str]:
        return sorted(self.names, key=lambda name: (len(self.before[name]), self.names.index(name)))


def _equalities(condition: Any) -> dict[str, set[str]]:
    """The fields that a condition pins to certain words: the part that can be compared by looking."""
    found: dict[str, set[str]] = {}
    for key, value in (condition or {}).items():
        if key == "all":
            for part in value:
                for field, values in _equalities(part).items():
                    found[field] = found[field] & values if field in found else values
        elif key != "any" and not isinstance(value, dict):
            words = {str(one) for one in value} if isinstance(value, list) else {str(value)}
            found[key] = found[key] & words if key in found else words
    return found


def _union(ways: list[dict[str, set[str]]]) -> dict[str, set[str]]:
    """What holds whichever way was taken: only fields that every way pins."""
    if not ways:
        return {}
    common = set(ways[0]).intersection(*ways[1:])
    return {field: set().union(*(way[field] for way in ways)) for field in common}
