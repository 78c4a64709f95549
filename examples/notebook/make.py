"""
Runs the notebook beside this file and keeps what its cells put out: `python examples/notebook/make.py`.

It asks the API that `gatepass login` or the GATEPASS_ variables name, which should be the demo's. Jupyter is not needed
for this; it is for reading and changing the notebook.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")  # no screen

from matplotlib import pyplot as plt

NOTEBOOK = Path(__file__).with_name("companies.ipynb")
PICTURE = Path(__file__).parents[2] / "docs" / "img" / "companies.png"


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook (format 4) with the outputs of its code: text, the value of a last expression, and plots."""
    names: dict[str, Any] = {}
    number = 0
    cells = []
    for cell in notebook["cells"]:
        made = {}
        if cell["cell_type"] == "code":
            number += 1
            made = {"execution_count": number, "outputs": _outputs("".join(cell["source"]), names, number)}
        cells.append({**cell, **made})
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    tree, said = ast.parse(source), io.StringIO()
    last = None
    if isinstance(end := tree.body[-1], ast.Expr):
        tree.body.pop()
        last = ast.Expression(end.value)
    with contextlib.redirect_stdout(said):
        exec(compile(tree, f"cell {number}", "exec"), names)
        value = None if last is None else eval(compile(last, f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": said.getvalue().splitlines(keepends=True)})
    if value is not None and not plt.get_fignums():
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append({"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}})
    for figure in map(plt.figure, plt.get_fignums()):
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=72, metadata={"Software": None})
        picture = base64.b64encode(drawn.getvalue()).decode("ascii")
        outputs.append({"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}})
    plt.close("all")
    return outputs


def pictures(notebook: dict[str, Any]) -> list[bytes]:
    """The plots that are kept in a notebook, as PNG."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return [base64.b64decode(each["data"]["image/png"]) for each in outputs if "image/png" in each.get("data", {})]


if __name__ == "__main__":
    made = run(json.loads(NOTEBOOK.read_text("utf-8")))
    NOTEBOOK.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (picture,) = pictures(made)
    PICTURE.write_bytes(picture)
