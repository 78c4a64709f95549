"""Joining the page's modules into one script."""

import pytest

from gatepass.web.bundle import bundle


def test_a_module_comes_after_what_it_imports_and_only_once() -> None:
    script = bundle(
        {
            "page": 'import { b } from "./b.js";\nimport { c, d } from "./c.js";\nb(c, d);\n',
            "b": 'import { c } from "./c.js";\nexport function b() { return c; }\n',
            "c": "export const c = 1;\nexport async function* d() {}\n",
            "unused": "never();\n",
        },
        "page",
    )
    assert script == (
        "const $c = (() => {\nconst c = 1;\nasync function* d() {}\nreturn { c, d };\n})();\n"
        "const $b = (() => {\nconst { c } = $c;\nfunction b() { return c; }\nreturn { b };\n})();\n"
        "const $page = (() => {\nconst { b } = $b;\nconst { c, d } = $c;\nb(c, d);\nreturn {  };\n})();\n"
    )


def test_a_circle_of_imports_is_refused() -> None:
    with pytest.raises(ValueError, match="a circle of imports: a -> b -> a"):
        bundle({"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}, "a")


def test_a_missing_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no module b\.js"):
        bundle({"a": 'import { b } from "./b.js";\n'}, "a")


@pytest.mark.parametrize("line", ['import b from "./b.js";', 'import "./b.js";', "export default 1;", "export { a };"])
def test_an_import_or_export_of_another_form_is_refused_rather_than_shipped_broken(line: str) -> None:
    with pytest.raises(ValueError, match=r"a\.js: an import or export that the bundle cannot read"):
        bundle({"a": f"{line}\n"}, "a")
