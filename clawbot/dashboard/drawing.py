"""Where the stages of a workflow stand when they are drawn: layers from top to bottom, few crossings.

The layered method of Sugiyama, small because a workflow has at most 60 stages: longest path gives the
layer, barycentres the order in it, and each node then moves towards the middle of its neighbours.
Sizes are pixels of the SVG; what a node says is the template's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean
from typing import Any

NODE, UNDO, THREAD = 204.0, 140.0, 12.0  # widths: a stage, its undo beside it, an edge that passes a layer
LINE, PADDING = 17.0, 14.0
GAP_X, GAP_Y = 24.0, 40.0
MARGIN = 14.0
SWEEPS = 12


@dataclass
class Node:
    """One stage where it stands: `x`, `y` is its upper left corner."""

    stage: Mapping[str, Any]
    height: float
    x: float = 0.0
    y: float = 0.0
    width: float = NODE

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def head(self) -> int:
        """Where its title begins, below the lines of its condition."""
        return round(self.height - PADDING - 2 * LINE)

    def baselines(self, count: int) -> list[int]:
        """Where the lines of its condition stand."""
        return [round(PADDING / 2 + LINE * number + 13) for number in range(count)]


@dataclass(frozen=True)
class Edge:
    """A line between two stages: `needs` goes down, `back` is a return and goes up."""

    kind: str
    start: str
    end: str
    path: str


@dataclass
class Drawing:
    """Everything in its place."""

    nodes: list[Node]
    edges: list[Edge]
    width: float
    height: float

    @property
    def is_wide(self) -> bool:
        """Whether a list no longer fits beside it."""
        return self.width > 740


@dataclass
class _Place:
    """A stage or a passing edge in its layer; `x` is its left edge."""

    key: str
    layer: int
    width: float
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)
    x: float = 0.0
    anchor: float = NODE / 2  # where edges meet it, from its left edge

    @property
    def middle(self) -> float:
        return self.x + self.anchor


def draw(stages: Sequence[Mapping[str, Any]], lines: Mapping[str, int]) -> Drawing:
    """The drawing of a workflow's stages; `lines` is how many lines of text each one has."""
    places, chains = _places(stages)
    layers = _ordered(places)
    _spread(layers)
    heights = {stage["name"]: PADDING + LINE * lines[stage["name"]] for stage in stages}
    nodes = {stage["name"]: Node(stage, heights[stage["name"]]) for stage in stages}
    tops = _tops(layers, heights)
    # A return bends out to the left: it needs room there.
    left = MARGIN + (34 if any(stage.get("send_back") for stage in stages) else 0)
    shift = left - min(place.x for layer in layers for place in layer)
    for layer, top in zip(layers, tops, strict=True):
        for place in layer:
            place.x += shift
            if place.key in nodes:
                nodes[place.key].x, nodes[place.key].y = place.x, top
    edges = [_down(chain, nodes, tops, heights) for chain in chains]
    edges += [_back(stage, nodes) for stage in stages if stage.get("send_back")]
    width = max(place.x + place.width for layer in layers for place in layer) + MARGIN
    height = max(node.y + node.height for node in nodes.values()) + MARGIN + 8
    return Drawing(list(nodes.values()), edges, round(width), round(height))


def _places(stages: Sequence[Mapping[str, Any]]) -> tuple[list[_Place], list[list[_Place]]]:
    """Every stage in its layer, and for every need the chain of places that its edge goes through."""
    needs = {stage["name"]: list(stage["needs"]) for stage in stages}
    layer_of: dict[str, int] = {}

    def layer(name: str) -> int:
        if name not in layer_of:
            layer_of[name] = 1 + max((layer(other) for other in needs[name] if other in needs), default=-1)
        return layer_of[name]

    found = {
        stage["name"]: _Place(
            stage["name"], layer(stage["name"]), NODE + (GAP_X + UNDO if stage.get("undo") else 0)
        )
        for stage in stages
    }
    threads: list[_Place] = []
    chains = []
    for name, others in needs.items():
        for other in others:
            start, end = found[other], found[name]
            between = [
                _Place(f"{other}>{name}:{step}", step, THREAD, anchor=THREAD / 2)
                for step in range(start.layer + 1, end.layer)
            ]
            threads += between
            chains.append([start, *between, end])
            for upper, lower in pairwise(chains[-1]):
                upper.below.append(lower)
                lower.above.append(upper)
    return [*found.values(), *threads], chains


def _ordered(places: Iterable[_Place]) -> list[list[_Place]]:
    """Layers in an order with few crossings: each sweep sorts by the mean place of the neighbours."""
    layers: list[list[_Place]] = []
    for place in sorted(places, key=lambda one: one.layer):
        if place.layer == len(layers):
            layers.append([])
        layers[place.layer].append(place)
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            rank = {one.key: number for row in layers for number, one in enumerate(row)}
            layer.sort(key=lambda one: _barycentre(one.above if down else one.below, rank, rank[one.key]))
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _barycentre(neighbours: list[_Place], rank: dict[str, int], own: int) -> float:
    return mean(rank[one.key] for one in neighbours) if neighbours else own


def _crossings(layers: list[list[_Place]]) -> int:
    count = 0
    for upper, lower in pairwise(layers):
        rank = {one.key: number for number, one in enumerate(lower)}
        ends = [sorted(rank[one.key] for one in place.below) for place in upper]
        for left, first in enumerate(ends):
            for second in ends[left + 1 :]:
                count += sum(a > b for a in first for b in second)
    return count


def _spread(layers: list[list[_Place]]) -> None:
    """Move every place towards the middle of its neighbours without changing the order of a layer."""
    for layer in layers:
        _settle(layer, [0.0 for _ in layer])
    for sweep in range(SWEEPS * 2):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wanted = []
            for place in layer:
                near = (place.above if down else place.below) or place.above + place.below
                wanted.append(mean(one.middle for one in near) - place.anchor if near else place.x)
            _settle(layer, wanted)


def _settle(layer: list[_Place], wanted: list[float]) -> None:
    """The places nearest to what is wanted that keep their distance: pool adjacent violators."""
    offsets = [0.0]
    for left, _ in pairwise(layer):
        offsets.append(offsets[-1] + left.width + GAP_X)
    blocks: list[tuple[float, int]] = []  # mean of (wanted - offset), how many places share it
    for want, offset in zip(wanted, offsets, strict=True):
        block = (want - offset, 1)
        while blocks and blocks[-1][0] > block[0]:
            value, count = blocks.pop()
            block = ((value * count + block[0] * block[1]) / (count + block[1]), count + block[1])
        blocks.append(block)
    values = [value for value, count in blocks for _ in range(count)]
    for place, value, offset in zip(layer, values, offsets, strict=True):
        place.x = value + offset


def _tops(layers: list[list[_Place]], heights: dict[str, float]) -> list[float]:
    tops, y = [], MARGIN
    for layer in layers:
        tops.append(y)
        y += max((heights[one.key] for one in layer if one.key in heights), default=0.0) + GAP_Y
    return tops


def _down(chain: list[_Place], nodes: dict[str, Node], tops: list[float], heights: dict[str, float]) -> Edge:
    """A need: out of the lower side, through every layer that it passes, into the upper side."""
    start, end = nodes[chain[0].key], nodes[chain[-1].key]
    points = [(start.middle, start.y + start.height)]
    for thread in chain[1:-1]:
        points += [(thread.middle, tops[thread.layer]), (thread.middle, tops[thread.layer + 1] - GAP_Y)]
    points.append((end.middle, end.y - 5))
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (y2 - y1) / 2
        path += f" C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
    return Edge("needs", chain[0].key, chain[-1].key, path)


def _back(stage: Mapping[str, Any], nodes: dict[str, Node]) -> Edge:
    """A return: out of the left side, up, and into the left side of where it leads."""
    start, end = nodes[stage["name"]], nodes[stage["send_back"]["to"]]
    y1, y2 = start.y + start.height / 2, end.y + end.height / 2
    out = min(start.x, end.x) - 30
    path = f"M{start.x:.0f} {y1:.0f} C{out:.0f} {y1:.0f} {out:.0f} {y2:.0f} {end.x - 5:.0f} {y2:.0f}"
    return Edge("back", stage["name"], stage["send_back"]["to"], path)
