"""One deployment, as one frozen object.

Every field is the environment variable `FACESTREAMS_<FIELD>`; an empty value counts as not given.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from streams.settings.errors import PREFIX, SettingsError
from streams.settings.gallery_rules import GalleryRules
from streams.settings.kinds import Account, InstanceId, Name, Servers, TopicPrefix, own, text
from streams.settings.security import SecuritySettings
from streams.settings.values import converted, home, may_exist, unknown
from streams.wire.connection import Connection, Mechanism, Protocol
from streams.wire.topics import Topics

DEFAULT_ACCOUNT: Final = "main"

DEFAULT_TIMEOUT_S: Final = 2.0
MAX_TIMEOUT_SHARE: Final = 0.4
"""Of the rebalance timeout: a frame has two tries, each with a quarter more to end in."""

READ_ELSEWHERE: Final = frozenset({"FACESTREAMS_BENCH_CLIPS", "FACESTREAMS_BENCH_FACES"})
"""Names under our prefix that are no settings: the benchmark reads them."""


class Settings(Struct, frozen=True, kw_only=True):
    """One deployment. Make it with `from_environment`, which checks; the constructor does not.

    None in a field of quality or following stands for the models' own default.
    """

    # broker
    bootstrap_servers: Servers = "127.0.0.1:9092"
    broker: Annotated[Literal["kafka", "embedded"], Meta(description="what the broker can be asked for")] = "kafka"
    security_protocol: Annotated[Protocol, Meta(description="how to reach them; a password goes over TLS alone")] = (
        "PLAINTEXT"
    )
    sasl_mechanism: Annotated[Mechanism, Meta(description="with SASL_SSL: how the user is proven")] | None = None
    sasl_username: Annotated[str, text(Name, "up to 256 characters", "with SASL_SSL: the user")] | None = None
    sasl_password_file: (
        Annotated[Path, Meta(description="with SASL_SSL: a file of mode 0600 that holds the password")] | None
    ) = None
    tls_ca_file: (
        Annotated[Path, Meta(description="PEM: who may vouch for the brokers; unset: whom the system trusts")] | None
    ) = None
    tls_cert_file: Annotated[Path, Meta(description="PEM: our own certificate, for mutual TLS")] | None = None
    tls_key_file: Annotated[Path, Meta(description="PEM, of mode 0600: its key, without a passphrase")] | None = None
    prefix: TopicPrefix = "facestreams"
    account: Account = DEFAULT_ACCOUNT
    accounts_file: (
        Annotated[Path, Meta(description="TOML: a table of settings for each account that is served; unset: one is")]
        | None
    ) = None
    app_id: Annotated[str, text(Name, "up to 256 characters", "the account's AppID, written to the logs")] = "0"
    region: Annotated[str, text(Name, "up to 256 characters", "the one region that is served")] = "local"
    partitions: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="of all topics but control and error-log; fixed for life; 2 to 3 times the most workers",
        ),
    ] = 12
    replication: Annotated[int, Meta(ge=1, le=9, description="copies of each topic")] = 1

    # files
    key_dir: Annotated[Path, Meta(description="the account's keys", extra={"default": "<data home>/keys/<account>"})]
    cache_dir: Annotated[Path, Meta(description="prepared networks", extra={"default": "<cache home>"})]
    snapshot_dir: Annotated[Path | None, Meta(description="sealed copies of the gallery; unset: none are written")] = (
        None
    )

    # models and galleries
    model_pack: Annotated[
        str, text(r"^\S+$", "opencv-zoo, or insightface:<name or directory>", "where the networks come from")
    ] = "opencv-zoo"
    galleries: Annotated[
        GalleryRules,
        Meta(
            description="which galleries a camera may search; the first pattern that fits counts, its first gallery is"
            " the default",
            extra={"expected": "pattern=gallery,...;pattern=gallery,...", "default": "*=default"},
        ),
    ] = GalleryRules("*=default")
    false_positive_rate: Annotated[
        float, Meta(gt=0, lt=1, description="share of strangers that may be named, at any gallery size")
    ] = 0.01
    hnsw_from: Annotated[int, Meta(ge=1, le=10_000_000, description="features from which an HNSW is built")] = 10_000
    detect_size: Annotated[
        int, Meta(ge=128, le=1920, multiple_of=128, description="longer side of the frame that the detector sees")
    ] = 640
    min_face_px: Annotated[int, own("smallest face that is encoded", "24", ge=1, le=4096)] | None = None
    min_sharpness: Annotated[float, own("least sharp face that is encoded", "0.2", ge=0, le=1)] | None = None
    max_yaw_deg: Annotated[float, own("furthest turned face that is encoded", "45", ge=0, le=90)] | None = None
    min_confidence: Annotated[float, own("least certain face that is encoded", "0.7", ge=0, le=1)] | None = None
    encodings_per_frame: Annotated[int, own("most faces encoded in a frame", "4", ge=1, le=1000)] | None = None
    recheck_s: (
        Annotated[float, own("a followed face is encoded again after this time", "3", ge=0.1, le=3600)] | None
    ) = None

    # load
    threads: Annotated[int, Meta(ge=0, le=1024, description="that recognise; 0: one a core")] = 0
    max_in_flight: Annotated[
        int, Meta(ge=1, le=1024, description="requests being worked on at once; further ones wait")
    ] = 16
    recognize_timeout_s: (
        Annotated[
            float,
            own(
                "a frame is given up when its recognition takes this time of a processor, twice",
                "2, or a third of REBALANCE_TIMEOUT_S where that is less",
                ge=0.05,
                le=600,
            ),
        ]
        | None
    ) = None
    max_frame_age_s: Annotated[
        float, Meta(ge=0, le=900, description="a frame that is older is skipped, not recognised; 0: none is")
    ] = 0.0
    max_cameras: Annotated[int, Meta(ge=1, le=100_000, description="whose state a worker keeps")] = 1000
    camera_idle_s: Annotated[
        float, Meta(gt=0, le=86_400, description="a camera's state is dropped after this time")
    ] = 600.0
    max_picture_bytes: Annotated[int, Meta(ge=1024, le=67_108_864, description="largest frame or picture")] = 4_194_304
    max_picture_pixels: Annotated[int, Meta(ge=1024, le=268_435_456, description="largest frame or picture")] = (
        33_177_600
    )

    # visits
    visit_timeout_s: Annotated[float, Meta(gt=0, le=3600, description="a visit ends when unseen for this time")] = 5.0
    sighting_update_s: Annotated[float, Meta(gt=0, le=3600, description="between two updates of a visit")] = 5.0
    silence_s: Annotated[
        float, Meta(gt=0, le=86_400, description="a camera without frames for this time ends its visits")
    ] = 10.0

    # group membership and delivery
    instance_id: InstanceId | None = None
    session_timeout_s: Annotated[float, Meta(ge=1, le=1800, description="a worker is dead after this silence")] = 10.0
    rebalance_timeout_s: Annotated[float, Meta(ge=1, le=1800, description="longest wait for workers to rejoin")] = 6.0
    heartbeat_s: Annotated[float, Meta(ge=0.1, le=600, description="between two signs of life")] = 1.0
    commit_interval_s: Annotated[float, Meta(ge=0.05, le=600, description="between two commits")] = 1.0
    publish_timeout_s: Annotated[float, Meta(ge=1, le=3600, description="a worker gives up on a refused output")] = 60.0

    # surface
    http_host: Annotated[str, text(r"^\S+$", "an address", "where /metrics, /live and /ready are")] = "127.0.0.1"
    http_port: Annotated[int, Meta(ge=0, le=65_535, description="0: any free one")] = 8780
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level of a worker's own log")
    ] = "info"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`, whatever else it holds. Raises SettingsError with one line."""
        fields = {PREFIX + field.name.upper(): field for field in msgspec.structs.fields(cls)}
        values: dict[str, Any] = {}
        for variable, raw in environ.items():
            if not variable.startswith(PREFIX) or variable in READ_ELSEWHERE:
                continue
            if variable not in fields:
                raise SettingsError(variable, unknown(variable, fields))
            if raw != "":
                field = fields[variable]
                values[field.name] = converted(variable, raw, field)
        account = values.get("account", DEFAULT_ACCOUNT)
        values.setdefault("key_dir", home(environ, "XDG_DATA_HOME", ".local/share") / "keys" / account)
        values.setdefault("cache_dir", home(environ, "XDG_CACHE_HOME", ".cache"))
        settings = cls(**values)
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        if not all(map(may_exist, Connection(self.bootstrap_servers).servers())):
            raise SettingsError(
                PREFIX + "BOOTSTRAP_SERVERS",
                "expected names of hosts, and ports from 1 to 65535 (the brokers to ask first)",
            )
        if not self.heartbeat_s * 2 <= min(self.session_timeout_s, self.rebalance_timeout_s):
            raise SettingsError(
                PREFIX + "HEARTBEAT_S", "expected at most half of SESSION_TIMEOUT_S and of REBALANCE_TIMEOUT_S"
            )
        if self.effective_recognize_timeout_s > MAX_TIMEOUT_SHARE * self.rebalance_timeout_s:
            raise SettingsError(
                PREFIX + "RECOGNIZE_TIMEOUT_S",
                f"expected at most {MAX_TIMEOUT_SHARE} of REBALANCE_TIMEOUT_S, so that two tries end before it",
            )
        if self.broker == "embedded" and self.security_protocol != "PLAINTEXT":
            raise SettingsError(PREFIX + "SECURITY_PROTOCOL", "expected PLAINTEXT with BROKER=embedded")
        self._security.check()

    @property
    def effective_recognize_timeout_s(self) -> float:
        """The deadline of one try to recognise a frame or examine a picture."""
        if self.recognize_timeout_s is not None:
            return self.recognize_timeout_s
        return min(DEFAULT_TIMEOUT_S, self.rebalance_timeout_s / 3)

    @property
    def _security(self) -> SecuritySettings:
        return SecuritySettings(
            protocol=self.security_protocol,
            mechanism=self.sasl_mechanism,
            username=self.sasl_username,
            password_file=self.sasl_password_file,
            ca_file=self.tls_ca_file,
            cert_file=self.tls_cert_file,
            key_file=self.tls_key_file,
        )

    def connection(self) -> Connection:
        """How to reach the broker; reads the files that say so. Raises SettingsError."""
        return self._security.connection(self.bootstrap_servers, datetime.now(UTC))

    def topics(self) -> Topics:
        """The topics of this account."""
        return Topics(self.prefix, self.account, self.partitions, self.max_picture_bytes)
