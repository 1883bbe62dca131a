"""``rollout`` of the root document: who gets a changed tree first, and for how long."""

from __future__ import annotations

from clinx.config.channels import DEFAULT_GROUP
from clinx.config.declared import Declared
from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.rollout import Rollout


def compile_rollout(declared: Declared, found: list[Diagnostic]) -> Rollout | None:
    """Return how the tree takes the place of the one before it; None at once."""
    shape, node = declared.root.rollout, declared.root_node.map.get("rollout")
    if shape is None or node is None:
        return None
    if shape.share is None and shape.group is None:
        found.append(node.mark.finding("E302", 'missing key "share"', "say who gets it first: share, group, or both"))
    known = {DEFAULT_GROUP, *declared.groups}
    if shape.group is not None and shape.group not in known:
        message = f'unknown group "{shape.group}"'
        found.append(node.at(("group",)).finding("E202", message, did_you_mean(shape.group, known)))
    return Rollout(shape.share or 0.0, shape.group, shape.for_, shape.max_errors, shape.minimum)
