"""Publish a trained network on the Hugging Face Hub: `python src/upload_to_hf.py --model-path FILE --name NAME`.

The file goes there as it is, with a model card and a JSON file, as one commit. The token is that of HUGGINGFACE_TOKEN,
in the environment or in `.env`, and is never printed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hippo.commands import Parser, run
from hippo.errors import InvalidValue
from hippo.persistence.hub_cache import check_repo
from hippo.persistence.hub_client import Hub
from hippo.persistence.publishing import files, prepare, publish
from hippo.settings import Settings, SettingsError, load_settings


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command's arguments."""
    made = Parser(prog="upload_to_hf.py", description="Publish a trained network on the Hugging Face Hub.")
    made.add_argument("--model-path", type=Path, required=True, metavar="FILE", help="a .safetensors file of Hippo")
    made.add_argument("--name", required=True, help="the name of the model in the repository")
    made.add_argument("--accuracy", metavar="SHARE", help="0 to 1; must agree with what the file says of itself")
    made.add_argument("--repo", metavar="OWNER/NAME", help="the repository (default: HF_MODEL_REPO)")
    made.add_argument(
        "--license", default="mit", metavar="ID", help="of the weights, as the Hub names it (default: mit)"
    )
    made.add_argument("--private", action="store_true", help="when the repository is new, show it to nobody else")
    made.add_argument("--dry-run", action="store_true", help="show what would be published, and publish nothing")
    return made


def main() -> None:
    """Run the command."""
    arguments = parser().parse_args()
    settings = read_settings()
    repo = arguments.repo or (settings.hub.repo if settings.hub else None)
    if repo is None:
        raise InvalidValue("Say where to publish it: --repo OWNER/NAME, or HF_MODEL_REPO.")
    check_repo(repo)
    publication = prepare(arguments.model_path, arguments.name, arguments.accuracy, arguments.license)
    if arguments.dry_run:
        for name, content in files(publication, repo).items():
            print(f"==> {name}")
            print(content.decode() if isinstance(content, bytes) else f"{content.stat().st_size:,} bytes, as they are")
        print(f"Nothing was published. It would go to {settings.hf_endpoint}/{repo}")
        return
    if settings.huggingface_token is None:
        raise InvalidValue("The Hub wants a token that may write: set HUGGINGFACE_TOKEN, in the shell or in .env.")
    hub = Hub(settings.hf_endpoint, settings.huggingface_token)
    print(f"Published: {publish(publication, hub, repo, arguments.private)}")


def read_settings() -> Settings:
    """Return the settings of the environment and `.env`; raises InvalidValue for one that cannot be used."""
    try:
        return load_settings()
    except SettingsError as error:
        raise InvalidValue(str(error)) from None


if __name__ == "__main__":
    sys.exit(run(main))
