"""Every variable: read from the environment and .env, refused with its range, and what follows from several of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hippo.persistence.hub_cache import check_repo
from hippo.settings import PROJECT_DIR, HubSettings, Settings, SettingsError, load_settings

EVERYWHERE = ".".join("0000")


def variables() -> list[str]:
    return [str(field.validation_alias) for field in Settings.model_fields.values()]


def test_the_defaults_are_those_of_a_single_machine() -> None:
    settings = load_settings()
    assert (settings.listen_host, settings.port, settings.async_mode) == ("127.0.0.1", 8000, "eventlet")
    assert settings.listens_on_loopback
    assert not settings.wants_token
    assert settings.token is None
    assert settings.models_dir == PROJECT_DIR / "models"
    assert settings.database_url == f"sqlite:///{PROJECT_DIR / 'models' / 'hippo.sqlite3'}"


def test_every_variable_is_described_with_its_range() -> None:
    for field in Settings.model_fields.values():
        assert field.description
        assert isinstance(field.json_schema_extra, dict)
        assert field.json_schema_extra["allowed"]


def test_the_example_file_names_every_variable_and_no_other() -> None:
    text = (PROJECT_DIR / ".env.example").read_text()
    assert sorted(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text, re.MULTILINE)) == sorted(variables())


@pytest.mark.parametrize(
    ("name", "value", "field", "meaning"),
    [
        ("PORT", "0", "port", 0),
        ("HOST", "::1", "listen_host", "::1"),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("ALLOWED_ORIGINS", "https://A.example/, http://b.example:81", "allowed_origins", None),
        ("HIPPO_ALLOWED_HOSTS", "a.example,b.example", "allowed_hosts", ("a.example", "b.example")),
        ("HIPPO_WORKERS", "3", "workers", 3),
        ("HIPPO_ASYNC_MODE", "GEVENT", "async_mode", "gevent"),
        ("HIPPO_AUTH", "OFF", "auth", "off"),
        ("HIPPO_DATABASE_URL", "postgresql://x/y", "database_url", "postgresql://x/y"),
        ("HIPPO_MODELS_DIR", "/srv/m", "models_dir", Path("/srv/m")),
        ("HIPPO_DATA_DIR", "elsewhere", "data_dir", PROJECT_DIR / "elsewhere"),
        ("PORT", "", "port", 8000),
    ],
)
def test_a_variable_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, meaning: object
) -> None:
    monkeypatch.setenv(name, value)
    wanted = ("https://a.example", "http://b.example:81") if name == "ALLOWED_ORIGINS" else meaning
    assert getattr(load_settings(), field) == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("LOG_LEVEL", "loud"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALLOWED_ORIGINS", "example.org"),
        ("ALLOWED_ORIGINS", "https://example.org/path"),
        ("HIPPO_WORKERS", "0"),
        ("HIPPO_WORKERS", "257"),
        ("HIPPO_WORKERS", "two"),
        ("HIPPO_ASYNC_MODE", "asyncio"),
        ("HIPPO_AUTH", "no"),
        ("HIPPO_TOKEN", "two words"),
        ("HIPPO_TOKEN", "g\u00e9heim"),
        ("HUGGINGFACE_TOKEN", "hf_ two"),
        ("HF_MODEL_REPO", "digits"),
        ("HF_MODEL_REPO", "https://huggingface.co/a/b"),
        ("HF_MODEL_REPO", "a/b/c"),
        ("HF_MODEL_REPO", "../b"),
        ("HF_MODEL_REPO", "a/..b"),
        ("HF_MODEL_REPO", "a/b--c"),
        ("HF_MODEL_REPO", "a/b..c"),
        ("HF_MODEL_REPO", "a/b@"),
        ("HF_MODEL_REPO", "a/b@../main"),
        ("HF_ENDPOINT", "huggingface.co"),
        ("HF_ENDPOINT", "http://hub.example"),
        ("HF_ENDPOINT", "http://127.0.0.1.example"),
        ("HF_ENDPOINT", "http://127.0.0.1@hub.example"),
        ("HF_ENDPOINT", "https://hub.example?x"),
        ("HF_ENDPOINT", "file:///etc"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_variable_and_range(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert "allowed: " in line
    assert (value.upper() in line.upper()) == (not name.endswith("_TOKEN"))


def test_a_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8111\nHIPPO_WORKERS=3\nUNKNOWN=1\n")
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setenv("PORT", "8222")
    settings = load_settings()
    assert (settings.port, settings.workers) == (8222, 3)


@pytest.mark.parametrize("given", [{"flask_env": "production"}, {"railway_static_url": "hippo.example"}])
def test_production_listens_everywhere_and_makes_a_token(given: dict[str, str]) -> None:
    settings = Settings(**given)
    assert settings.production
    assert settings.listen_host == EVERYWHERE
    assert settings.wants_token
    assert settings.token_was_made
    assert settings.token is not None
    assert len(settings.token) >= 32


@pytest.mark.parametrize(
    ("given", "wants"),
    [
        ({"host": "127.0.0.1"}, False),
        ({"host": "127.1.2.3"}, False),
        ({"host": "localhost"}, False),
        ({"host": "::1"}, False),
        ({"host": EVERYWHERE}, True),
        ({"host": "::"}, True),
        ({"host": "192.0.2.7"}, True),
        ({"host": EVERYWHERE, "auth": "off"}, False),
        ({"flask_env": "production", "auth": "off"}, False),
        ({"flask_env": "production", "host": "127.0.0.1"}, True),
        ({"token": "mine"}, True),
        ({"token": "mine", "auth": "off"}, False),
    ],
)
def test_a_token_is_wanted_wherever_others_can_reach(given: dict[str, str], wants: bool) -> None:
    settings = Settings(**given)
    assert settings.wants_token is wants
    assert settings.token_was_made is (wants and "token" not in given)


def test_no_token_appears_where_settings_are_shown() -> None:
    settings = Settings(**dict.fromkeys(("token", "huggingface_token"), "mine-alone"))
    assert "alone" not in repr(settings)
    assert "alone" not in str(settings)


@pytest.mark.parametrize(
    ("given", "repo", "revision"),
    [
        ("someone/digits", "someone/digits", "main"),
        ("Some-One/m.n_i@v1.0", "Some-One/m.n_i", "v1.0"),
        ("a/b@refs/pr/1", "a/b", "refs/pr/1"),
        ("a/b@v--1", "a/b", "v--1"),
    ],
)
def test_the_models_of_a_repository_are_described(given: str, repo: str, revision: str, tmp_path: Path) -> None:
    hub = Settings(hf_model_repo=given, huggingface_token="mine-alone", models_dir=tmp_path).hub  # noqa: S106
    assert hub == HubSettings(repo, revision, tmp_path / "hub", "mine-alone", "https://huggingface.co")
    assert "alone" not in repr(hub)
    assert check_repo(repo, revision) == repo  # what is allowed here is allowed there
    own = Settings(hf_model_repo=given, hf_cache_dir=tmp_path, hf_endpoint="http://127.0.0.1:8001/").hub
    assert own == HubSettings(repo, revision, tmp_path, None, "http://127.0.0.1:8001")
    assert Settings().hub is None


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
