"""Where settings come from. Flags before environment before file; nothing unknown is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gatepass.settings.data_folder import data_folder
from gatepass.settings.errors import SettingsError
from gatepass.settings.kinds import Kind
from gatepass.settings.secrets import check_private, read_secret_file

PREFIX: Final = "GATEPASS_"
CONFIG_NAME: Final = "gatepass.toml"
SECRET_KEY_NAME: Final = "secret.key"  # noqa: S105 - a file's name
PREVIOUS_SECRET_KEY_NAME: Final = "secret.key.previous"  # noqa: S105
SECRET_KEY_FILES: Final = {"secret_key": SECRET_KEY_NAME, "secret_key_previous": PREVIOUS_SECRET_KEY_NAME}

# Variables of the shell and of the client, which share the prefix.
OTHER_VARIABLES: Final = frozenset(
    PREFIX + name
    for name in (
        "CONFIG", "NO_INPUT", "PASSWORD", "PASSWORD_FILE", "PROFILE", "STORE", "TOKEN", "TRACEBACK", "URL", "USERNAME",
    )
)  # fmt: skip

# Kubernetes sets these for a Service that is called "gatepass".
_SERVICE_LINK = re.compile(r"GATEPASS_(SERVICE_(HOST|PORT)(_.*)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_.*)?)")

Kinds = Mapping[str, Kind[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """A value as its source has it, and the source in words."""

    raw: object
    origin: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the sources gave, the strongest of each key, and the file that was read."""

    given: Mapping[str, Given]
    config_file: Path | None


def gather(kinds: Kinds, flags: Mapping[str, object], environ: Mapping[str, str], config_file: Path | None) -> Gathered:
    """
    What flags, environment and file say.

    An empty variable counts as not set.

    Raises:
        SettingsError: a source has an unknown key, says two things at once, or cannot be read.
    """
    given = _flags(kinds, flags) | {}
    for name, value in _environment(kinds, environ).items():
        given.setdefault(name, value)
    path, is_named = _config_file(given, environ, config_file)
    for name, value in ({} if path is None else _file(kinds, path, is_named=is_named)).items():
        given.setdefault(name, value)
    for name, file in SECRET_KEY_FILES.items():
        if name not in given:
            given |= _secret_key_file(given, environ, name, file)
    return Gathered(given, path)


def _flags(kinds: Kinds, flags: Mapping[str, object]) -> dict[str, Given]:
    found = {}
    for name, value in flags.items():
        if name not in kinds:
            raise SettingsError(f"flag {name}", f"there is no such setting{_close(name, kinds)}")
        if value is not None:
            found[name] = Given(value, f"flag --{name.replace('_', '-')}")
    return found


def _environment(kinds: Kinds, environ: Mapping[str, str]) -> dict[str, Given]:
    plain = {PREFIX + name.upper(): name for name in kinds}
    files = {f"{PREFIX}{name.upper()}_FILE": name for name, kind in kinds.items() if kind.is_secret}
    found: dict[str, Given] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or _SERVICE_LINK.fullmatch(variable):
            continue
        name = plain.get(variable) or files.get(variable)
        if name is None:
            known = [*plain, *files, *OTHER_VARIABLES]
            raise SettingsError(f"environment {variable}", f"there is no such setting{_close(variable, known)}")
        if not value:
            continue
        if name in found:
            both = f"{PREFIX}{name.upper()}"
            raise SettingsError(f"environment {both}", f"{both} and {both}_FILE are both set: keep one of them")
        found[name] = _variable(variable, value, is_file=variable in files)
    return found


def _variable(variable: str, value: str, *, is_file: bool) -> Given:
    if is_file:
        origin = f"{variable} ({value})"
        return Given(read_secret_file(Path(value).expanduser(), origin), origin)
    if variable == "GATEPASS_PORT" and value.startswith("tcp://"):
        raise SettingsError(
            "environment GATEPASS_PORT",
            "Kubernetes sets it for a Service named gatepass: put 'enableServiceLinks: false' into the Pod",
        )
    return Given(value, f"environment {variable}")


def _config_file(
    given: Mapping[str, Given], environ: Mapping[str, str], config_file: Path | None
) -> tuple[Path | None, bool]:
    """The file to read, and whether it was named rather than found."""
    if config_file is not None or environ.get("GATEPASS_CONFIG"):
        return (config_file or Path(environ["GATEPASS_CONFIG"])).expanduser().absolute(), True
    path = _data_dir(given, environ) / CONFIG_NAME
    return (path, False) if path.is_file() else (None, False)


def _file(kinds: Kinds, path: Path, *, is_named: bool) -> dict[str, Given]:
    import tomllib  # noqa: PLC0415 - most commands of the shell have no file to read

    try:
        text = path.read_bytes().decode("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(str(path), f"the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(str(path), "the file is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), f"the file is not TOML: {error}") from None
    found = {}
    for name, value in table.items():
        origin = f"{path} line {_line_of(name, text)}: {name}"
        if name not in kinds:
            raise SettingsError(origin, f"there is no such setting{_close(name, kinds)}")
        found[name] = Given(value, origin)
    if any(kinds[name].hides(given.raw) for name, given in found.items()):
        check_private(path)
    _check_data_dir(found, path, is_named=is_named)
    return found


def _check_data_dir(found: dict[str, Given], path: Path, *, is_named: bool) -> None:
    """A file cannot name the folder that it was found in; a named file's relative folder starts beside it."""
    if "data_dir" not in found:
        return
    raw, origin = found["data_dir"].raw, found["data_dir"].origin
    if not is_named:
        raise SettingsError(origin, "this file was found through the data folder: set data_dir by flag or environment")
    if isinstance(raw, str) and raw and not raw.startswith("~"):
        found["data_dir"] = Given(path.parent / raw, origin)


def _secret_key_file(given: Mapping[str, Given], environ: Mapping[str, str], name: str, file: str) -> dict[str, Given]:
    path = _data_dir(given, environ) / file
    try:
        is_there = path.is_file()
    except OSError:
        is_there = False
    if not is_there:
        return {}
    check_private(path)
    return {name: Given(read_secret_file(path, str(path)), str(path))}


def _data_dir(given: Mapping[str, Given], environ: Mapping[str, str]) -> Path:
    if "data_dir" in given:
        return Path(str(given["data_dir"].raw)).expanduser().absolute()
    try:
        return data_folder(environ)
    except RuntimeError:
        raise SettingsError("default", "data_dir cannot be found: this user has no home folder; set it") from None


def _line_of(name: str, text: str) -> int:
    """Where a top-level key stands. For the message only: a look-alike inside a long text may come first."""
    begins = re.compile(rf"""\s*(\[\s*){{0,2}}["']?{re.escape(name)}["']?\s*[\]=.]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if begins.match(line)), 1)


def _close(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only for a message

    matches = difflib.get_close_matches(name, known, n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""
