"""Joins the page's ES modules into one script when the server starts: small source files, and no build step."""

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{ ([^}]+) \} from "\./([a-z]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)


def bundle(sources: Mapping[str, str], entry: str) -> str:
    """
    One script out of the modules that `entry` needs, each in a function of its own, so that equal names do not meet.

    A module may import only by name, one import per line, from a neighbour; circles are refused.

    Args:
        sources: text of each module by its name without `.js`.
        entry: name of the module to start with.

    Raises:
        ValueError: a module is missing, imports in a circle, or has an import of another form.
    """
    written: dict[str, str] = {}
    _write(sources, entry, (), written)
    return "".join(written.values())


def _write(sources: Mapping[str, str], name: str, importers: tuple[str, ...], written: dict[str, str]) -> None:
    if name in written:
        return
    if name in importers:
        raise ValueError(f"a circle of imports: {' -> '.join((*importers, name))}")
    if name not in sources:
        raise ValueError(f"no module {name}.js")
    source = sources[name]
    for _, neighbour in _IMPORT.findall(source):
        _write(sources, neighbour, (*importers, name), written)
    written[name] = _as_function(name, source)


def _as_function(name: str, source: str) -> str:
    body = _EXPORT.sub("", _IMPORT.sub(r"const { \1 } = $\2;\n", source))
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise ValueError(f"{name}.js: an import or export that the bundle cannot read")
    exports = ", ".join(match[1] for match in _EXPORT.finditer(source))
    return f"const ${name} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"
