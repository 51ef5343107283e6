"""Every environment variable that Hippo reads, once: its name, its default, what it does and what it may be.

The values come from the environment and from the file `.env` in the project's folder; the environment wins. What
follows from several of them together (where the server listens, whether it wants a token) is decided here as well,
so that no other module asks the environment for anything.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parents[2]
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARD_HOSTS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_TOKEN = re.compile(r"[!-~]+")
_REPOSITORY = re.compile(
    r"(?![^@]*--)(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}(@[A-Za-z0-9][A-Za-z0-9._/-]{0,99})?"
)
_ENDPOINT = re.compile(
    r"(https://[A-Za-z0-9.-]+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?"
)

Names = Annotated[tuple[str, ...], NoDecode]


class SettingsError(ValueError):
    """A variable has a value that cannot be used; the text is one line per variable."""


def _variable(name: str, default: Any, description: str, *, allowed: str, **limits: Any) -> Any:
    """Describe one environment variable; `allowed` is the range as error texts show it."""
    return Field(
        default, validation_alias=name, description=description, json_schema_extra={"allowed": allowed}, **limits
    )


@dataclass(frozen=True)
class HubSettings:
    """Which models of the Hugging Face Hub are served.

    Attributes
    ----------
    repo, revision : str
        ``owner/name``, and a branch, tag or commit.
    cache_dir : Path
        Where they are kept.
    token : str or None
    endpoint : str
        Address of the Hub.
    """

    repo: str
    revision: str
    cache_dir: Path
    token: str | None = field(repr=False)
    endpoint: str


class Settings(BaseSettings):
    """The settings of one server, checked and frozen."""

    model_config = SettingsConfigDict(
        env_file=PROJECT_DIR / ".env",
        env_ignore_empty=True,
        case_sensitive=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    port: int = _variable(
        "PORT", 8000, "The port to listen on; 0 lets the system choose one.", allowed="0 to 65535", ge=0, le=65535
    )
    host: str | None = _variable(
        "HOST",
        None,
        "The address to listen on: 127.0.0.1 unless set, 0.0.0.0 in production. Any but a loopback address wants "
        "a token.",
        allowed="an IP address or a host name",
    )
    railway_static_url: str | None = _variable(
        "RAILWAY_STATIC_URL",
        None,
        "Set by Railway; its presence means production. The host it names may be asked for.",
        allowed="a URL or a host name",
    )
    railway_public_domain: str | None = _variable(
        "RAILWAY_PUBLIC_DOMAIN",
        None,
        "Set by Railway: the public host name, which requests may ask for.",
        allowed="a host name",
    )
    flask_env: str | None = _variable(
        "FLASK_ENV",
        None,
        "`production` means production: listens on 0.0.0.0, wants a token, logs JSON lines.",
        allowed="production, development or any other word",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = _variable(
        "LOG_LEVEL",
        "INFO",
        "The least important messages to log.",
        allowed="DEBUG, INFO, WARNING, ERROR or CRITICAL",
    )
    allowed_origins: Names = _variable(
        "ALLOWED_ORIGINS",
        (),
        "Web origins besides the server's own that may use the API, separated by commas. Origins on localhost are "
        "allowed unless in production; `*` allows every origin.",
        allowed="origins such as https://example.org, separated by commas, or *",
    )
    hf_model_repo: str | None = _variable(
        "HF_MODEL_REPO",
        None,
        "The Hugging Face repository whose models are served, at the commit that its revision (main unless said) had "
        "when it was first looked up.",
        allowed="owner/name or owner/name@revision",
    )
    default_model: str | None = _variable(
        "DEFAULT_MODEL",
        None,
        "The model that answers a request that names none: the name or id of a network. The best trained one unless "
        "set.",
        allowed="the name or id of a network",
    )
    huggingface_token: str | None = _variable(
        "HUGGINGFACE_TOKEN",
        None,
        "The token for the Hugging Face Hub: for private repositories, and to publish. Sent to HF_ENDPOINT alone and "
        "never logged.",
        allowed="a token of the Hub",
        repr=False,
    )
    hf_cache_dir: Path | None = _variable(
        "HF_CACHE_DIR",
        None,
        "The folder for models from the Hugging Face Hub: `hub` in HIPPO_MODELS_DIR unless set.",
        allowed="the path of a folder",
    )
    hf_endpoint: str = _variable(
        "HF_ENDPOINT",
        "https://huggingface.co",
        "The address of the Hub, or of one that speaks like it.",
        allowed="https://host, or http://host on this machine",
    )
    token: str | None = _variable(
        "HIPPO_TOKEN",
        None,
        "The token that clients must send. Where one is wanted and none is set, the server makes one and prints it "
        "once at its start.",
        allowed="visible ASCII characters without spaces",
        repr=False,
    )
    auth: Literal["on", "off"] = _variable(
        "HIPPO_AUTH",
        "on",
        "`off` opens the server to everybody who can reach it, without a token.",
        allowed="on or off",
    )
    allowed_hosts: Names = _variable(
        "HIPPO_ALLOWED_HOSTS",
        (),
        "Host names that requests may ask for besides loopback names, HOST and RAILWAY_PUBLIC_DOMAIN, separated by "
        "commas; `*` allows every name.",
        allowed="host names separated by commas, or *",
    )
    workers: int = _variable(
        "HIPPO_WORKERS",
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "The number of training processes: one for each processor core unless set.",
        allowed="1 to 256",
        ge=1,
        le=256,
    )
    async_mode: Literal["eventlet", "gevent", "threading"] = _variable(
        "HIPPO_ASYNC_MODE",
        "eventlet",
        "How the web server does many things at once.",
        allowed="eventlet, gevent or threading",
    )
    phase_seconds: float = _variable(
        "HIPPO_PHASE_SECONDS",
        0.3,
        "Seconds from one phase of the live view to the next: forward, backward, update.",
        allowed="0 to 60",
        ge=0,
        le=60,
    )
    data_dir: Path = _variable(
        "HIPPO_DATA_DIR",
        PROJECT_DIR / "data",
        "The folder that holds MNIST; a relative path begins at the project's folder.",
        allowed="the path of a folder",
    )
    models_dir: Path = _variable(
        "HIPPO_MODELS_DIR",
        PROJECT_DIR / "models",
        "The folder that keeps networks; a relative path begins at the project's folder.",
        allowed="the path of a folder",
    )
    logs_dir: Path = _variable(
        "HIPPO_LOGS_DIR",
        PROJECT_DIR / "logs",
        "The folder for training logs; a relative path begins at the project's folder.",
        allowed="the path of a folder",
    )
    database_url: str = _variable(
        "HIPPO_DATABASE_URL",
        "",
        "The database of networks and jobs, as SQLAlchemy writes it: a SQLite file in the folder for models unless "
        "set.",
        allowed="a SQLAlchemy URL such as sqlite:////srv/hippo.sqlite3",
        repr=False,
    )

    @field_validator("allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in origins if origin != "*" and not _ORIGIN.fullmatch(origin)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an origin")
        return origins

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("auth", "async_mode", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("hf_model_repo")
    @classmethod
    def _is_repository(cls, repository: str | None) -> str | None:
        if repository is not None and not _REPOSITORY.fullmatch(repository):
            raise ValueError("it is not owner/name or owner/name@revision")
        return repository

    @field_validator("hf_endpoint")
    @classmethod
    def _keeps_the_token_secret(cls, endpoint: str) -> str:
        if not _ENDPOINT.fullmatch(endpoint):
            raise ValueError("the token would go there readable for everybody on the way")
        return endpoint.rstrip("/")

    @field_validator("token", "huggingface_token")
    @classmethod
    def _fits_into_a_header(cls, token: str | None) -> str | None:
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError("it holds characters that cannot be sent in a header")
        return token

    @field_validator("data_dir", "models_dir", "logs_dir", "hf_cache_dir")
    @classmethod
    def _from_project_folder(cls, path: Path | None) -> Path | None:
        return None if path is None else PROJECT_DIR / path.expanduser()

    _token_was_made: bool = PrivateAttr(default=False)

    def model_post_init(self, context: Any, /) -> None:
        """Fill in what depends on other settings."""
        made = {}
        if not self.database_url:
            made["database_url"] = f"sqlite:///{self.models_dir / 'hippo.sqlite3'}"
        if self.wants_token and self.token is None:
            made["token"] = secrets.token_urlsafe(24)
            self._token_was_made = True
        self.__dict__.update(made)  # the fields are frozen for everybody else

    @property
    def token_was_made(self) -> bool:
        """Whether the token is one that this start made up."""
        return self._token_was_made

    @property
    def production(self) -> bool:
        """Whether the server runs for the public: on Railway, or with FLASK_ENV=production."""
        return self.railway_static_url is not None or self.flask_env == "production"

    @property
    def listen_host(self) -> str:
        """The address to listen on."""
        return self.host or ("0.0.0.0" if self.production else "127.0.0.1")  # noqa: S104 - production is meant

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.listen_host in LOOPBACK_HOSTS or bool(re.fullmatch(r"127(\.\d{1,3}){3}", self.listen_host))

    @property
    def hub(self) -> HubSettings | None:
        """Which models of the Hugging Face Hub are served; None where none are."""
        if self.hf_model_repo is None:
            return None
        repo, _, revision = self.hf_model_repo.partition("@")
        cache_dir = self.hf_cache_dir or self.models_dir / "hub"
        return HubSettings(repo, revision or "main", cache_dir, self.huggingface_token, self.hf_endpoint)

    @property
    def wants_token(self) -> bool:
        """Whether requests must carry the token."""
        if self.auth == "off":
            return False
        return self.token is not None or self.production or not self.listens_on_loopback


def load_settings() -> Settings:
    """Read the environment and `.env`.

    Raises
    ------
    SettingsError
        For values that cannot be used: one line per variable, with its name, the problem and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def _explain(problem: Any) -> str:
    name = str(problem["loc"][0])
    known = next(known for known in Settings.model_fields.values() if known.validation_alias == name)
    extra = known.json_schema_extra
    allowed = extra["allowed"] if isinstance(extra, dict) else ""
    shown = "the value" if name in ("HIPPO_TOKEN", "HUGGINGFACE_TOKEN") else repr(str(problem["input"])[:80])
    return f"{name}: {shown} cannot be used; allowed: {allowed}."
