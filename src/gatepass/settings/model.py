"""The one frozen `Settings`: every key, its default and its bounds."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from gatepass.domain.secret import Secret
from gatepass.domain.trusted_issuer import TrustedIssuer
from gatepass.settings.addresses import (
    DatabaseUrl,
    Host,
    Networks,
    Origins,
    UrlPath,
    WebAddress,
    host_of,
    is_loopback,
    origin,
    sqlite_file,
    sqlite_url,
    url_host,
)
from gatepass.settings.data_folder import data_folder
from gatepass.settings.errors import SettingsError
from gatepass.settings.keys import UNDERIVED, Group, Key, keys_of
from gatepass.settings.kinds import Choice, Folder, Name, Number, Switch, UnusableError, WholeNumber, shown
from gatepass.settings.secrets import SecretHeaders, SecretKey
from gatepass.settings.sources import SECRET_KEY_NAME, gather
from gatepass.settings.trusted import TrustedIssuers

_places = Group("Where things are")
_address = Group("The address")
_upstream = Group("The API behind it")
_wire = Group("What callers see")
_tokens = Group("Tokens and sessions")
_keys = Group("Keys")
_trust = Group("Other issuers")
_hashing = Group("Password hashing")
_guessing = Group("Guessing")
_limits = Group("Limits")
_running = Group("Running")

MAX_ARGON2_COST_KIB = 4 * 1024 * 1024


class Reported(NamedTuple):
    """What holds for one key, ready to be shown: a secret's value is hidden."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settings:
    """
    Everything an operator can choose. Constructing it checks every value.

    `origins` says of each key where its value came from; `config_file` is the file that was read, if any.

    Raises:
        SettingsError: a value cannot be used; it names the source.
    """

    data_dir: Path = _places.derived(  # noqa: RUF009 - a field
        Folder(),
        "`gatepass` in the platform's folder for application data",
        lambda _: data_folder(os.environ),
        "Folder of the store, the secret key and `gatepass.toml`.",
    )
    database_url: str = _places.derived(
        DatabaseUrl(),
        "`sqlite:///<data_dir>/gatepass.db`",
        lambda settings: sqlite_url(settings.data_dir / "gatepass.db"),
        "Where accounts and sessions are kept; a relative file starts at `data_dir`.",
    )
    secret_key: Secret[str] | None = _places.optional(  # noqa: RUF009 - a field
        SecretKey(), "Seals the signing keys at rest. Without it, `secret.key` in `data_dir` is read."
    )
    secret_key_previous: Secret[str] | None = _places.optional(  # noqa: RUF009 - a field
        SecretKey(),
        "Still opens what it sealed, while the secret key is being changed. Without it, `secret.key.previous` is read.",
    )

    host: str = _address.key(Host(), "127.0.0.1", "Name or IP address to listen on.")
    port: int = _address.key(WholeNumber(0, 65535), 8000, "TCP port to listen on; 0 takes any free one.")
    public_url: str = _address.derived(
        WebAddress(is_base=True),
        "`http://<host>:<port>`",
        lambda settings: f"http://{url_host(settings.host)}:{settings.port}",
        "How callers reach this server, where a proxy stands in front.",
    )
    trusted_proxies: tuple[str, ...] = _address.key(
        Networks(),
        (),
        "Proxies of yours in front: what they write into `X-Forwarded-For` and `Forwarded` says who the client is.",
    )
    graphql_path: str = _address.key(
        UrlPath(), "/graphql", "Path of the endpoint, served with and without closing slash."
    )

    upstream: str | None = _upstream.optional(WebAddress(), "The GraphQL API to protect.")
    forward_bearer: bool = _upstream.key(Switch(), False, "Send the caller's access token on to the upstream.")
    upstream_assertion: bool = _upstream.derived(
        Switch(),
        "`true`, but `false` for an `upstream` on loopback",
        lambda settings: settings.upstream is not None and not is_loopback(host_of(settings.upstream)),
        "Send a signed `X-Gatepass-Assertion` to the upstream, by which it can verify who is asking.",
    )
    upstream_audience: str = _upstream.derived(
        Name(),
        "the origin of `upstream`",
        lambda settings: origin(settings.upstream) if settings.upstream is not None else "",
        "Claim `aud` of that assertion.",
    )
    upstream_introspection_headers: Mapping[str, Secret[str]] = _upstream.key(
        SecretHeaders(), {}, "Headers that the upstream wants before it shows its schema to Gatepass."
    )
    upstream_connect_timeout_seconds: float = _upstream.key(
        Number(0.05, 60), 2.0, "How long connecting to the upstream may take."
    )
    upstream_response_timeout_seconds: float = _upstream.key(
        Number(0.05, 3600), 30.0, "How long the upstream may take until its answer begins."
    )
    upstream_idle_timeout_seconds: float = _upstream.key(
        Number(0.05, 3600), 60.0, "How long an answer that has begun may be silent."
    )
    upstream_max_connections: int = _upstream.key(
        WholeNumber(1, 10_000), 256, "Connections to the upstream that may be open at once."
    )
    schema_refresh_seconds: float = _upstream.key(
        Number(1, 86_400), 300.0, "How often the upstream's schema is read again."
    )

    public_operations: bool = _wire.key(
        Switch(), False, "Let operations without a token through to the upstream. It must then protect its own fields."
    )
    introspection: str = _wire.key(
        Choice(("bearer", "public", "off")),
        "bearer",
        "Who sees the whole schema: callers with a token, everybody, nobody.",
    )
    cors_origins: tuple[str, ...] = _wire.key(
        Origins(), (), "Origins of web pages that may read answers, compared exactly; nobody else's pages may."
    )
    ide: str = _wire.key(
        Choice(("graphiql", "plain", "off")),
        "graphiql",
        "The page that a browser gets at the endpoint; the plain one is also at `?plain`.",
    )
    ide_keeps_sign_in: bool = _wire.key(
        Switch(),
        True,
        "Keep the refresh token in the browser tab's sessionStorage, so that a reload stays signed in, and "
        "the device hint in localStorage; else neither.",
    )

    issuer: str = _tokens.derived(
        WebAddress(is_base=True), "`public_url`", lambda settings: settings.public_url, "Claim `iss` of access tokens."
    )
    audience: str = _tokens.derived(
        Name(),
        "`<public_url><graphql_path>`",
        lambda settings: settings.public_url + settings.graphql_path,
        "Claim `aud` of access tokens.",
    )
    access_ttl_seconds: int = _tokens.key(WholeNumber(1, 3600), 3600, "How long an access token is valid.")
    session_idle_seconds: int = _tokens.key(
        WholeNumber(1, 31_536_000), 1_209_600, "A sign-in ends when it was not refreshed for this long (14 days)."
    )
    session_absolute_seconds: int = _tokens.key(
        WholeNumber(1, 315_360_000), 7_776_000, "A sign-in ends after this long, refreshed or not (90 days)."
    )
    replay_window_seconds: int = _tokens.key(
        WholeNumber(0, 300),
        60,
        "How long a spent refresh token gets its successor once more, for lost replies; 0 is strict.",
    )
    device_code_seconds: int = _tokens.key(
        WholeNumber(60, 3600), 600, "How long there is time to let in a device that shows a code."
    )
    leeway_seconds: int = _tokens.key(WholeNumber(0, 60), 0, "How far the clocks of servers may be apart.")
    signing_algorithm: str = _tokens.key(
        Choice(("ES256", "EdDSA", "RS256")), "ES256", "Signs access tokens. A change counts for the next key."
    )

    key_max_age_seconds: float = _keys.key(
        Number(0, 315_360_000),
        7_776_000.0,
        "How long a key signs until another one takes its place (90 days); 0 leaves that to `gatepass key rotate`.",
    )
    key_lead_seconds: float = _keys.key(
        Number(0.2, 2_592_000),
        7200.0,
        "How long the next key is published before it signs; less than 3600 is for tests only.",
    )
    key_poll_seconds: float = _keys.key(
        Number(0.02, 60), 1.0, "How often a process looks for what others did to the keys, and whether one is due."
    )

    trusted_issuers: tuple[TrustedIssuer, ...] = _trust.key(
        TrustedIssuers(), (), "Whose access tokens pass here too, beside this server's own."
    )
    trusted_keys_refresh_seconds: float = _trust.key(
        Number(1, 86_400), 300.0, "How often the public keys of those issuers are read again."
    )

    argon2_memory_kib: int = _hashing.key(
        WholeNumber(8, 1_048_576), 19_456, "Memory of one password hash; less than 19456 is for tests only."
    )
    argon2_iterations: int = _hashing.key(WholeNumber(1, 1000), 2, "How often that memory is gone through.")
    hash_workers: int = _hashing.derived(
        WholeNumber(1, 256), "as many as cores", lambda _: cores(), "Processes that hash passwords."
    )
    hash_queue_seconds: float = _hashing.key(
        Number(0.05, 60), 5.0, "A sign-in that would wait longer for a hash process is refused as `OVERLOADED`."
    )
    hash_max_waiting: int = _hashing.key(
        WholeNumber(1, 100_000), 1000, "Sign-ins that may wait, however quick the processes."
    )

    throttle_account_failures: int = _guessing.key(
        WholeNumber(1, 1000), 5, "Wrong passwords for one account before the next attempt has to wait."
    )
    throttle_first_delay_seconds: float = _guessing.key(
        Number(0.01, 3600), 1.0, "How long it waits then. Each further failure doubles that."
    )
    throttle_longest_delay_seconds: float = _guessing.key(
        Number(0.01, 86_400), 900.0, "The longest such wait (15 minutes)."
    )
    throttle_memory_seconds: int = _guessing.key(
        WholeNumber(1, 31_536_000), 86_400, "Failures at an account are forgotten when none came for this long (a day)."
    )
    throttle_network_failures: int = _guessing.key(
        WholeNumber(1, 10_000_000), 100, "Failures of one IPv4 address or IPv6 /64, at whatever accounts, …"
    )
    throttle_network_seconds: int = _guessing.key(WholeNumber(1, 31_536_000), 600, "… within this long (10 minutes).")
    throttle_overall_failures: int = _guessing.key(WholeNumber(1, 10_000_000), 600, "Failures of everybody together, …")
    throttle_overall_seconds: int = _guessing.key(WholeNumber(1, 31_536_000), 60, "… within this long.")
    throttle_reserve_percent: int = _guessing.key(
        WholeNumber(0, 99), 20, "Share of that which only known clients may use."
    )
    throttle_known_client_seconds: int = _guessing.key(
        WholeNumber(60, 315_360_000),
        7_776_000,
        "How long a device or a network is known to an account after it signed in there (90 days).",
    )
    throttle_code_failures: int = _guessing.key(
        WholeNumber(1, 1_000_000),
        10,
        "Wrong user codes of devices, typed in by one IPv4 address or IPv6 /64, or by one account, …",
    )
    throttle_code_overall_failures: int = _guessing.key(
        WholeNumber(1, 1_000_000), 1000, "… or by everybody together; …"
    )
    throttle_device_starts: int = _guessing.key(
        WholeNumber(1, 10_000_000), 100, "… and device sign-ins begun by one IPv4 address or IPv6 /64, …"
    )
    throttle_code_seconds: int = _guessing.key(WholeNumber(1, 31_536_000), 600, "… within this long (10 minutes).")
    throttle_max_counters: int = _guessing.key(
        WholeNumber(1000, 100_000_000),
        100_000,
        "Counters that the store keeps; those with the fewest failures go first.",
    )

    max_body_bytes: int = _limits.key(WholeNumber(1024, 67_108_864), 1_048_576, "Size of a request's body.")
    max_arriving_bytes: int = _limits.key(
        WholeNumber(1_048_576, 1_099_511_627_776), 268_435_456, "Bytes of all bodies that are on their way in."
    )
    max_connections: int = _limits.key(WholeNumber(1, 1_000_000), 8192, "Connections to a process.")
    max_requests_per_client: int = _limits.key(
        WholeNumber(1, 1_000_000), 2048, "Requests of one IPv4 address or IPv6 /64 that may be under way in a process."
    )
    max_header_bytes: int = _limits.key(WholeNumber(1024, 1_048_576), 32_768, "Size of a request line and its headers.")
    max_document_characters: int = _limits.key(WholeNumber(256, 10_000_000), 65_536, "Length of a GraphQL document.")
    max_tokens: int = _limits.key(WholeNumber(10, 1_000_000), 10_000, "Lexical tokens of a GraphQL document.")
    max_depth: int = _limits.key(WholeNumber(1, 200), 30, "How deep the selections of an operation may nest.")
    max_aliases: int = _limits.key(WholeNumber(0, 100_000), 200, "Aliases in an operation.")
    max_root_fields: int = _limits.key(
        WholeNumber(1, 100_000), 100, "Root fields of an operation, fragments spread out."
    )
    request_timeout_seconds: float = _limits.key(
        Number(0.1, 600), 30.0, "How long a client may take to send a request."
    )
    reading_timeout_seconds: float = _limits.key(
        Number(0.1, 3600), 60.0, "How long a client may leave what it was sent unread before it is cut off."
    )

    revocation_poll_seconds: float = _running.key(
        Number(0.01, 60), 0.25, "How often a process asks the store what was revoked."
    )
    revocation_stale_seconds: float = _running.key(
        Number(0.1, 600), 10.0, "Without an answer for this long, every token is refused."
    )
    workers: int = _running.key(
        WholeNumber(1, 256), 1, "Server processes that `gatepass serve` runs on the one port, with one hash pool."
    )
    drain_seconds: float = _running.key(
        Number(0, 600), 8.0, "How long open requests may go on once the server was told to stop."
    )
    audit_retention_days: int = _running.key(
        WholeNumber(0, 36_500), 400, "How long entries of the audit log are kept; 0 is for ever."
    )
    log_format: str = _running.key(
        Choice(("auto", "human", "json")), "auto", "Form of the log; auto is human on a terminal and JSON elsewhere."
    )
    log_level: str = _running.key(Choice(("debug", "info", "warning", "error")), "info", "What is logged at least.")

    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    config_file: Path | None = field(default=None)

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        config_file: Path | None = None,
    ) -> Settings:
        """
        Gather the settings: flags before environment before file before default.

        Args:
            flags: by key; those that are `None` were not given.
            environ: the process's environment unless told.
            config_file: read in place of `gatepass.toml` in the data folder; `GATEPASS_CONFIG` says the same.

        Raises:
            SettingsError: unknown, contradictory or bad; it names the source.
        """
        kinds = {name: key.kind for name, key, _ in KEYS}
        gathered = gather(kinds, flags or {}, os.environ if environ is None else environ, config_file)
        origins = {name: given.origin for name, given in gathered.given.items()}
        raw = {name: given.raw for name, given in gathered.given.items()}
        return cls(**raw, origins=origins, config_file=gathered.config_file)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        origins = dict(self.origins)
        for name, key, default in KEYS:
            raw = getattr(self, name)
            if raw is UNDERIVED or raw is None:
                value, origin = _default(self, name, key), "default"
            else:
                origin = origins.get(name, f"argument {name}")
                value = _read(key, raw, origin)
                origin = origins.get(name, "default" if value == default else origin)
            object.__setattr__(self, name, value)
            origins[name] = origin
        object.__setattr__(self, "origins", origins)
        _check_together(self)

    @property
    def database_path(self) -> Path | None:
        """The SQLite file of `database_url`; None for a database on a server."""
        return sqlite_file(self.database_url, self.data_dir)

    @property
    def store_url(self) -> str:
        """The `database_url`, an SQLite file by its absolute path."""
        file = self.database_path
        return self.database_url if file is None else sqlite_url(file)

    def require_secret_key(self) -> Secret[str]:
        """
        The secret key.

        Raises:
            SettingsError: there is none; it says how to make one.
        """
        if self.secret_key is None:
            place = str(self.data_dir)
            if (self.data_dir / SECRET_KEY_NAME).exists():
                raise SettingsError(place, "Settings(…) reads no secret key from there: use Settings.load({…})")
            raise SettingsError(place, "there is no secret key: run 'gatepass init', or set GATEPASS_SECRET_KEY_FILE")
        return self.secret_key

    def report(self) -> list[Reported]:
        """Every key with what holds and where it came from, secrets hidden."""
        rows = []
        for name, key, _ in KEYS:
            value = getattr(self, name)
            rows.append(Reported(name, None if value is None else key.kind.plain(value), self.origins[name]))
        return rows


KEYS: Final = keys_of(Settings)
"""Every key, in the order of the reference."""


def cores() -> int:
    """How many cores this process may use; containers have fewer than their machine."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota(Path("/sys/fs/cgroup/cpu.max"))))


def _quota(file: Path) -> int:
    """The container's share of processor time in whole cores (cgroup v2); very many where there is none."""
    try:
        share, period = file.read_text("ascii").split()
        return math.ceil(int(share) / int(period))
    except (OSError, ValueError):
        return sys.maxsize


def _read(key: Key, raw: object, origin: str) -> object:
    try:
        return key.kind.read(raw)
    except UnusableError as unusable:
        more = f" ({unusable})" if str(unusable) else ""
        raise SettingsError(origin, f"expected {key.kind.expected}, got {shown(key.kind, raw)}{more}") from None


def _default(settings: Settings, name: str, key: Key) -> object:
    if key.derived is None:
        return None
    try:
        return key.derived(settings)
    except RuntimeError:
        raise SettingsError("default", f"{name} cannot be found: this user has no home folder; set it") from None


def _check_together(settings: Settings) -> None:
    """Refuse values that are good alone and contradict each other."""
    if settings.session_idle_seconds > settings.session_absolute_seconds:
        raise SettingsError(
            settings.origins["session_idle_seconds"],
            "session_idle_seconds must not be more than session_absolute_seconds",
        )
    if settings.workers > 1 and sys.platform == "win32":
        raise SettingsError(
            settings.origins["workers"], "workers must be 1 on Windows, where processes share no socket"
        )
    if settings.revocation_poll_seconds >= settings.revocation_stale_seconds:
        raise SettingsError(
            settings.origins["revocation_poll_seconds"],
            "revocation_poll_seconds must be less than revocation_stale_seconds",
        )
    if settings.throttle_first_delay_seconds > settings.throttle_longest_delay_seconds:
        raise SettingsError(
            settings.origins["throttle_first_delay_seconds"],
            "throttle_first_delay_seconds must not be more than throttle_longest_delay_seconds",
        )
    if settings.key_lead_seconds < 4 * settings.key_poll_seconds:
        raise SettingsError(
            settings.origins["key_lead_seconds"],
            "key_lead_seconds must be at least four times key_poll_seconds: every process must know a key that signs",
        )
    if 0 < settings.key_max_age_seconds < 2 * settings.key_lead_seconds:
        raise SettingsError(
            settings.origins["key_max_age_seconds"],
            "key_max_age_seconds must be at least twice key_lead_seconds, or 0",
        )
    if settings.issuer in (trusted.issuer for trusted in settings.trusted_issuers):
        raise SettingsError(
            settings.origins["trusted_issuers"], f"{settings.issuer} is this server's own issuer: leave it out"
        )
    if settings.argon2_memory_kib * settings.argon2_iterations > MAX_ARGON2_COST_KIB:
        raise SettingsError(
            settings.origins["argon2_iterations"],
            f"argon2_memory_kib times argon2_iterations must be at most {MAX_ARGON2_COST_KIB}",
        )
