"""A job of a CI, or a service of containers, as a page has it in YAML: which commands run in which environment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

# Done by the machine of these tests already.
_INSTALLS: Final = frozenset({"pip install gatepass"})


@dataclass(frozen=True, slots=True)
class Job:
    """What it sets, and the scripts it runs one after the other."""

    environ: Mapping[str, str]
    scripts: Sequence[str]


def read_job(text: str, name: str, value: str, file_of: Callable[[str], str]) -> Job:
    """
    The only job in a workflow of GitHub, a pipeline of GitLab, or a file of Compose.

    Args:
        name, value: the secret that it uses.
        file_of: gives the name of a file that holds a text, for those who want secrets in files.
    """
    data = yaml.safe_load(text)
    if "services" in data:
        (service,) = data["services"].values()
        _check_secret(service, data, name)
        environ, scripts = service["environment"], [shlex.join(service["command"])]
    elif "jobs" in data:
        (job,) = data["jobs"].values()
        environ, scripts = job["env"], [step["run"] for step in job["steps"]]
    else:
        (job,) = data.values()
        environ, scripts = job["variables"], job["script"]

    def filled(raw: object) -> str:
        text = re.sub(r"\$\{\{ *secrets\." + name + r" *\}\}", lambda _: value, str(raw))
        return file_of(value) if text in (f"${name}", f"/run/secrets/{name}") else text

    found = {key: filled(raw) for key, raw in environ.items()}
    assert [text for text in found.values() if value in text or file_of(value) == text], f"nobody uses {name}"
    return Job(found, [script for script in scripts if script not in _INSTALLS])


def _check_secret(service: Mapping[str, Any], data: Mapping[str, Any], name: str) -> None:
    assert name in service["secrets"]
    assert name in data["secrets"]
