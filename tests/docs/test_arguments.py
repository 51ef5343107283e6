"""Every argument of the commands stands in docs/TRAINING.md, and nothing there that is no argument."""

from __future__ import annotations

import argparse

import pytest

import compare_settings
import convert_model
import evaluate
import train_mnist
import upload_to_hf
from hippo.experiment_arguments import add_network_arguments, add_training_arguments
from tests.docs.markdown import code, rows, section, text_of

SECTIONS = {
    "Arguments of train_mnist.py": train_mnist.parser,
    "Evaluating a model": evaluate.parser,
    "Comparing settings": compare_settings.parser,
    "Models travel": convert_model.parser,
    "Publishing a model": upload_to_hf.parser,
}


def documented(heading: str) -> set[str]:
    """Return the arguments in the first column of the section's table, without their values."""
    table = rows(section(text_of("docs/TRAINING.md"), heading))
    return {name.split(" ")[0] for row in table for name in code(row[0])}


def real(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of a parser, and its positional arguments as its usage shows them."""
    names: set[str] = set()
    for action in parser._actions:
        names.update(action.option_strings or [str(action.metavar or action.dest)])
    return names - {"-h", "--help"}


def of_an_experiment() -> set[str]:
    """Return the arguments that several commands share and that are documented once."""
    parser = argparse.ArgumentParser(add_help=False)
    add_network_arguments(parser)
    add_training_arguments(parser)
    return real(parser)


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_table_names_every_argument_and_no_other(heading: str) -> None:
    arguments = real(SECTIONS[heading]())
    assert documented(heading) in (arguments, arguments - of_an_experiment())


def test_what_is_shared_is_documented_with_the_training() -> None:
    assert of_an_experiment() <= documented("Arguments of train_mnist.py")


def test_an_argument_that_is_not_documented_would_be_seen() -> None:
    parser = train_mnist.parser()
    parser.add_argument("--magic")
    assert real(parser) - documented("Arguments of train_mnist.py") == {"--magic"}
