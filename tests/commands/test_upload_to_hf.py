"""Publishing a network: what is refused, what is said of it, and that it comes back from the Hub bit for bit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

import upload_to_hf
from hippo import __version__
from hippo.errors import InvalidValue
from hippo.network import ACTIVATIONS, LOSSES, NetworkSpec, NeuralNetwork
from hippo.persistence.hub_cache import MAX_MODEL_BYTES
from hippo.persistence.hub_fetch import fetch
from hippo.persistence.model_card import snippet
from hippo.persistence.model_manager import ModelManager
from hippo.persistence.model_persistence import write_checkpoint, write_model
from hippo.persistence.publishing import prepare
from hippo.settings import Settings
from hippo.training import TrainingState
from tests.commands.shell import ENVIRONMENT, Inline, Said, assert_refused, shell
from tests.docs.markdown import blocks
from tests.persistence.fake_hub import TOKEN, FakeHub, fake_hub

#: Of huggingface_hub itself, which gives httpx2 its commits in a way that is going out of use.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

SCRIPT, REPO = "upload_to_hf.py", "someone/digits"
FACTS: dict[str, Any] = {
    "accuracy": 0.9812,
    "test_set_use": "once, at the end",
    "epochs_trained": 12,
    "training_config": {"epochs": 12, "learning_rate": 0.1, "optimizer": "adam", "milestones": [3, 5], "x|y": "<b>"},
    "experiment": {"recipe": "adam", "data": None},
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


@pytest.fixture
def upload(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Inline]:
    """Return the command, which speaks to the hub of the test; nothing it says holds the token."""
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    for name in ("HF_MODEL_REPO", "HF_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HUGGINGFACE_TOKEN", TOKEN)
    command = Inline(upload_to_hf, monkeypatch, capsys)
    yield command


def said_nothing_secret(said: Said) -> Said:
    assert TOKEN not in said.out + said.err
    return said


def made(path: Path, facts: dict[str, Any] | None = None, **spec: Any) -> NeuralNetwork:
    network = NeuralNetwork(NetworkSpec.make(**({"layer_sizes": (784, 12, 10), "seed": 3} | spec)))
    for array in network.model.parameters.values():
        array += np.random.default_rng(1).normal(0, 0.1, array.shape).astype(np.float32)
    write_model(path, network, FACTS if facts is None else facts)
    return network


# ---- There and back


def test_a_published_network_comes_back_bit_for_bit(upload: Inline, hub: FakeHub, tmp_path: Path) -> None:
    path = tmp_path / "made.safetensors"
    network = made(path)
    said = said_nothing_secret(upload("--model-path", path, "--name", "classic", "--accuracy", "0.98", "--repo", REPO))
    assert said == (0, f"Published: {hub.endpoint}/{REPO}\n", "")
    repository = hub.repositories[REPO]
    assert not repository.private
    assert len(repository.commits) == 2  # the one that made it, and ours
    files = repository.commits[-1].files
    assert files.keys() - {".gitattributes"} == {"classic.safetensors", "classic.json", "README.md"}
    assert files["classic.safetensors"] == path.read_bytes()

    manager = ModelManager(REPO, "main", tmp_path / "cache", TOKEN, hub.endpoint)
    told: list[dict[str, Any]] = []
    fetch(manager.cache, TOKEN, told.append)
    assert told[-1] == {"done": True}
    (model,) = manager.models()
    assert (model["name"], model["accuracy"]) == ("classic", 0.9812)
    loaded = manager.load("classic")
    assert loaded.spec == network.spec
    for name, array in network.model.parameters.items():
        assert loaded.model.parameters[name].tobytes() == array.tobytes()
    assert {(request.server, request.token) for request in hub.requests} == {("hub", TOKEN), ("store", None)}


def test_a_second_model_joins_the_first(upload: Inline, hub: FakeHub, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        made(tmp_path / f"{name}.safetensors", seed=seed)
        assert upload("--model-path", tmp_path / f"{name}.safetensors", "--name", name, "--repo", REPO).code == 0
    files = hub.repositories[REPO].commits[-1].files
    assert {"one.safetensors", "one.json", "two.safetensors", "two.json"} <= files.keys()
    assert "Also in this repository: `one`." in files["README.md"].decode()
    assert upload("--model-path", tmp_path / "two.safetensors", "--name", "two", "--repo", REPO).code == 0
    assert "`two`." not in hub.repositories[REPO].commits[-1].files["README.md"].decode()


def test_a_new_repository_can_be_private_and_the_settings_name_one(
    upload: Inline, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made(tmp_path / "m.safetensors")
    monkeypatch.setenv("HF_MODEL_REPO", "someone/other@v1")
    assert upload("--model-path", tmp_path / "m.safetensors", "--name", "m", "--private").code == 0
    assert hub.repositories["someone/other"].private


# ---- What is said of it


def card(upload: Inline, hub: FakeHub, path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    said = said_nothing_secret(upload("--model-path", path, "--name", "m", "--repo", REPO, *arguments))
    assert said.code == 0, said.err
    files = hub.repositories[REPO].commits[-1].files
    return files["README.md"].decode(), json.loads(files["m.json"])


def metadata(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_card_says_what_the_file_knows(upload: Inline, hub: FakeHub, tmp_path: Path) -> None:
    network = made(tmp_path / "made.safetensors", activation="relu", dropout=0.25)
    text, described = card(upload, hub, tmp_path / "made.safetensors", "--accuracy", "0.981")
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE))
    assert rows == {
        "layers": "784-12-10",
        "parameters": "9,550",
        "hidden layers": "relu",
        "outputs": "softmax",
        "loss": "cross entropy",
        "initializer": "he, seed 3",
        "dropout": "0.25",
        "recipe": "adam",
        "epochs": "12",
        "learning rate": "0.1",
        "optimizer": "adam",
    }
    assert "**98.12 %** on the 10,000 digits of the MNIST test set, measured" in text
    assert "The test set was looked at once, at the end." in text
    said = metadata(text)
    assert (said["license"], said["library_name"], said["datasets"]) == ("mit", "hippo", ["ylecun/mnist"])
    (result,) = said["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.9812}]
    assert described["spec"] == network.spec.to_dict()
    assert described["metrics"] == {
        "accuracy": 0.9812,
        "accuracy_is": "measured",
        "accuracy_on": "the 10,000 digits of the MNIST test set",
    }
    assert described["training_config"] == {"epochs": 12, "learning_rate": 0.1, "optimizer": "adam"}
    assert (described["recipe"], described["hippo_version"]) == ("adam", __version__)


def test_a_number_that_the_file_does_not_know_is_a_claim(upload: Inline, hub: FakeHub, tmp_path: Path) -> None:
    made(tmp_path / "made.safetensors", {})
    text, described = card(upload, hub, tmp_path / "made.safetensors", "--accuracy", "0.97")
    assert "**97.00 %**, as its publisher claims. The file does not say that it was measured." in text
    assert "model-index" not in metadata(text)
    assert described["metrics"]["accuracy_is"] == "claimed"
    text, described = card(upload, hub, tmp_path / "made.safetensors")
    assert "Nobody has said how good it is." in text
    assert (described["metrics"]["accuracy"], described["metrics"]["accuracy_is"]) == (None, None)


def test_digits_of_ones_own_are_not_called_mnist_and_their_file_is_not_named(
    upload: Inline, hub: FakeHub, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors", FACTS | {"experiment": {"recipe": None, "data": "/home/me/secret.npz"}})
    text, described = card(upload, hub, tmp_path / "made.safetensors", "--license", "cc-by-4.0")
    assert "MNIST" not in text
    assert "secret" not in text + json.dumps(described)
    assert "a test set of the publisher's own" in text
    assert metadata(text)["license"] == "cc-by-4.0"
    assert "datasets" not in metadata(text)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(784, 10), (784, 12, 10), (784, 9, 8, 10)], ids=str)
def test_the_lines_of_numpy_in_the_card_compute_what_the_network_does(
    sizes: tuple[int, ...], activation: str, loss: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network = made(tmp_path / "m.safetensors", layer_sizes=sizes, activation=activation, loss=loss, dropout=0.5)
    images = np.random.default_rng(2).random((7, 784)).astype(np.float32)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"images": images}
    exec(snippet(network, "m"), known)  # noqa: S102 - what the card tells people to run
    np.testing.assert_allclose(known["outputs"], network.predict(images), atol=1e-6)


def test_the_lines_with_hippo_in_the_card_run(
    upload: Inline, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network = made(tmp_path / "m.safetensors")
    text, _ = card(upload, hub, tmp_path / "m.safetensors")
    with_hippo, with_numpy = blocks(text, "python")
    assert with_numpy.strip() == snippet(network, "m")
    import huggingface_hub

    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda repo, name: {(REPO, "m.safetensors"): tmp_path / name}[repo, name]
    )
    known: dict[str, Any] = {"images": np.zeros((2, 784), np.float32)}
    exec(with_hippo, known)  # noqa: S102 - what the card tells people to run
    assert known["outputs"].shape == (2, 10)
    assert load_file(tmp_path / "m.safetensors").keys() == network.model.parameters.keys()


def test_a_dry_run_shows_all_and_sends_nothing(
    upload: Inline, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors")
    monkeypatch.delenv("HUGGINGFACE_TOKEN")
    said = upload("--model-path", tmp_path / "made.safetensors", "--name", "m", "--repo", REPO, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert re.findall(r"^==> (.*)$", said.out, re.MULTILINE) == ["m.safetensors", "m.json", "README.md"]
    assert said.out.splitlines()[-1] == f"Nothing was published. It would go to {hub.endpoint}/{REPO}"
    assert hub.requests == []


# ---- What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--name", "../m"), "cannot be the name of a model"),
        (("--name", "nul"), "cannot be the name of a model"),
        (("--name", ""), "cannot be the name of a model"),
        (("--repo", "digits"), "it is written as owner/name"),
        (("--repo", "../digits"), "it is written as owner/name"),
        (("--repo", "https://huggingface.co/a/b"), "it is written as owner/name"),
        (("--license", "MIT: yes"), "no identifier of a licence"),
        (("--accuracy", "0.99"), "says that its accuracy is 0.9812, which is not 0.99."),
        (("--accuracy", "0.9813"), "says that its accuracy is 0.9812, which is not 0.9813."),
        (("--accuracy", "1"), "says that its accuracy is 0.9812, which is not 1."),
        (("--accuracy", "98"), "The accuracy must be a number from 0 to 1"),
        (("--accuracy", "nan"), "The accuracy must be a number from 0 to 1"),
        (("--accuracy", "-0.5"), "accuracy"),
        (("--accurate", "0.98"), "unrecognized arguments"),
    ],
)
def test_wrong_arguments_cost_one_line_and_send_nothing(
    arguments: tuple[str, str], words: str, upload: Inline, hub: FakeHub, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors")
    said = upload("--model-path", tmp_path / "made.safetensors", "--name", "m", "--repo", REPO, *arguments)
    assert_refused(said, SCRIPT, words)
    assert hub.requests == []


@pytest.mark.parametrize("accuracy", ["0.98", "0.981", "0.9812", ".98", "0.98120"])
def test_an_accuracy_may_be_rounded(accuracy: str, tmp_path: Path) -> None:
    made(tmp_path / "made.safetensors")
    assert prepare(tmp_path / "made.safetensors", "m", accuracy).accuracy == 0.9812
    with pytest.raises(InvalidValue):
        prepare(tmp_path / "made.safetensors", "m", "0.982")


def test_files_that_are_no_finished_networks_are_refused(upload: Inline, hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("a file")
    (tmp_path / "pickle.safetensors").write_bytes(b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.")
    write_checkpoint(tmp_path / "begun.safetensors", NeuralNetwork([784, 10], seed=1), TrainingState())
    network = made(tmp_path / "nan.safetensors")
    network.model.parameters["0.bias"][0] = np.inf
    write_model(tmp_path / "nan.safetensors", network, {})
    (tmp_path / "other.npz").write_bytes(b"PK")
    with (tmp_path / "large.safetensors").open("wb") as large:
        large.truncate(MAX_MODEL_BYTES + 1)
    for name, words in {
        "text.safetensors": "is in no format that can be read",
        "pickle.safetensors": "is a pickle",
        "begun.safetensors": "is the checkpoint of a run that is not over",
        "nan.safetensors": "not finite",
        "none.safetensors": "No such file",
        "other.npz": "is no .safetensors file",
        "large.safetensors": "is larger than 268,435,456 bytes",
    }.items():
        said = upload("--model-path", tmp_path / name, "--name", "m", "--repo", REPO)
        assert_refused(said, SCRIPT, name, words)
    assert_refused(upload("--model-path", tmp_path, "--name", "m", "--repo", REPO), SCRIPT)
    assert hub.requests == []


def test_no_token_no_repository_and_a_wrong_setting(
    upload: Inline, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors")
    arguments = ("--model-path", tmp_path / "made.safetensors", "--name", "m")
    assert_refused(upload(*arguments), SCRIPT, "--repo OWNER/NAME, or HF_MODEL_REPO")
    monkeypatch.delenv("HUGGINGFACE_TOKEN")
    assert_refused(upload(*arguments, "--repo", REPO), SCRIPT, "set HUGGINGFACE_TOKEN")
    monkeypatch.setenv("HUGGINGFACE_TOKEN", "hf_two words")
    assert_refused(upload(*arguments, "--repo", REPO), SCRIPT, "HUGGINGFACE_TOKEN: the value cannot be used")
    assert hub.requests == []
    (tmp_path / ".env").write_text(f"HUGGINGFACE_TOKEN={TOKEN}\n")
    monkeypatch.delenv("HUGGINGFACE_TOKEN")
    assert upload(*arguments, "--repo", REPO).code == 0


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"status": 401}, "The Hub refused the token for the repository someone/digits"),
        ({"status": 403}, "The Hub does not let this token use the repository someone/digits"),
        ({"status": 500}, "The Hub failed for the repository someone/digits"),
        ({"put_status": 403}, "The Hub does not let this token use the repository someone/digits (403)."),
        ({"commit_status": 403}, "The Hub does not let this token use the repository someone/digits (403)."),
    ],
)
def test_a_hub_that_refuses_costs_one_line_and_leaves_nothing_published(
    faults: dict[str, int], words: str, upload: Inline, hub: FakeHub, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors")
    hub.faults.update(faults)
    said = said_nothing_secret(upload("--model-path", tmp_path / "made.safetensors", "--name", "m", "--repo", REPO))
    assert_refused(said, SCRIPT, words)
    repository = hub.repositories.get(REPO)
    assert repository is None or all("m.json" not in commit.files for commit in repository.commits)


def test_a_token_that_the_hub_does_not_know_is_not_repeated(
    upload: Inline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made(tmp_path / "made.safetensors")
    monkeypatch.setenv("HUGGINGFACE_TOKEN", "hf_another")
    said = upload("--model-path", tmp_path / "made.safetensors", "--name", "m", "--repo", REPO)
    assert_refused(said, SCRIPT, "The Hub refused the token")
    assert "hf_another" not in said.err


@pytest.mark.process
def test_it_runs_in_a_shell(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made(tmp_path / "made.safetensors")
    monkeypatch.setitem(ENVIRONMENT, "HUGGINGFACE_TOKEN", TOKEN)
    monkeypatch.setitem(ENVIRONMENT, "HF_ENDPOINT", hub.endpoint)
    arguments = ("--model-path", "made.safetensors", "--name", "m", "--repo", REPO)
    hub.faults |= {"ask_status": 503, "times": 1}  # huggingface_hub tries again, and need not say so
    assert shell(SCRIPT, *arguments, cwd=tmp_path) == (0, f"Published: {hub.endpoint}/{REPO}\n", "")
    hub.stop()
    said = said_nothing_secret(shell(SCRIPT, *arguments, cwd=tmp_path))
    assert_refused(said, SCRIPT, "The connection for the repository someone/digits")
