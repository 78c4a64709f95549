"""
Two schemas as one: the upstream's, and Gatepass's own beside it.

What is merged are introspection results, where types refer to each other by name, so that neither the names of the
upstream's root types nor references back to them need care. Where both have

- a root field of one name, ours is shown: it is the one that answers;
- a type of one name, theirs keeps it, because their documents are many, and ours is shown as `Gatepass<Name>`.
  Documents with inline values, as the protocol's own examples are, do not mention our types' names;
- a scalar of one name (`DateTime`), it is taken to be the same.
"""

from __future__ import annotations

from typing import Any, Final

Introspection = dict[str, Any]
"""What stands under `__schema` in the answer to an introspection query."""

_OPERATIONS: Final = ("query", "mutation", "subscription")
_COMMON: Final = frozenset(("String", "Int", "Float", "Boolean", "ID"))


def merged(theirs: Introspection, ours: Introspection, reserved: frozenset[str]) -> tuple[Introspection, list[str]]:
    """
    The merged introspection, and what collided, in words.

    Args:
        theirs: as any upstream sent it; whatever is wrong with its form is raised as it comes.
        reserved: root fields that are ours in every kind of operation.
    """
    types = {entry["name"]: entry for entry in theirs["types"]}
    roots = {kind: theirs[f"{kind}Type"]["name"] for kind in _OPERATIONS if theirs.get(f"{kind}Type")}
    names = _names(types, roots, ours)
    notices = [
        f"the upstream's type {name} has the name of one of Gatepass's own, which is shown as {shown}"
        for name, shown in names.items()
        if shown != name and shown not in roots.values()
    ]
    for root in roots.values():
        types[root] = _without(types[root], reserved, notices)
    for entry in ours["types"]:
        if entry["name"] in names:
            _add(types, _renamed(entry, names), notices)
    known = {directive["name"] for directive in theirs.get("directives") or ()}
    directives = [*(theirs.get("directives") or ()), *(d for d in ours["directives"] if d["name"] not in known)]
    ours_alone = {
        f"{kind}Type": {"name": names[ours[f"{kind}Type"]["name"]]} for kind in _OPERATIONS if ours.get(f"{kind}Type")
    }
    return {**theirs, **ours_alone, "types": list(types.values()), "directives": directives}, notices


def _names(types: dict[str, Any], roots: dict[str, str], ours: Introspection) -> dict[str, str]:
    """Our types' names, and under which they are shown."""
    meeting = {ours[f"{kind}Type"]["name"]: root for kind, root in roots.items() if ours.get(f"{kind}Type")}
    own = {entry["name"] for entry in ours["types"]}
    names = {}
    for entry in ours["types"]:
        name = shown = entry["name"]
        # An upstream shows only the built-in scalars that it uses; ours need some of the others.
        if name.startswith("__") or (name in _COMMON and name in types):
            continue
        shared = entry["kind"] == "SCALAR" == types.get(name, entry)["kind"]
        while not shared and (shown in types or (shown != name and shown in own)):
            shown = f"Gatepass{shown}"
        names[name] = meeting.get(name, shown)
    return names


def _add(types: dict[str, Any], entry: dict[str, Any], notices: list[str]) -> None:
    """Put one of our types among theirs; one that meets theirs is a root or a scalar."""
    theirs = types.get(entry["name"])
    if theirs is None:
        types[entry["name"]] = entry
    elif entry["kind"] == "OBJECT":
        theirs = _without(theirs, frozenset(field["name"] for field in entry["fields"]), notices)
        types[entry["name"]] = {**theirs, "fields": [*theirs["fields"], *entry["fields"]]}


def _without(entry: dict[str, Any], hidden: frozenset[str], notices: list[str]) -> dict[str, Any]:
    """A root type of theirs without the fields that ours hide."""
    kept = [field for field in entry["fields"] if field["name"] not in hidden]
    notices += [
        f"the upstream's {entry['name']}.{field['name']} is hidden by Gatepass's own"
        for field in entry["fields"]
        if field["name"] in hidden
    ]
    return {**entry, "fields": kept}


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """A copy with other type names: what has a kind and a name is a type, or refers to one."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _renamed(item, names) for key, item in value.items()}
    if "kind" in copy and copy.get("name") in names:
        copy["name"] = names[copy["name"]]
    return copy
