"""What replies about a network's answers for the whole test set hold; as in `replies.py`."""

from __future__ import annotations

from pydantic import Field

from hippo.api.inference_replies import TestPictureReply
from hippo.api.replies import NETWORK_ID, Reply


class DigitReply(Reply):
    """How well a network recognises one digit."""

    digit: int = Field(description="Which digit, 0 to 9.", examples=[5])
    total: int = Field(description="Test digits that are this one.", examples=[892])
    correct: int = Field(description="How many of them the network recognises.", examples=[826])
    accuracy: float | None = Field(
        description="`correct` / `total`, 0-1; null where there are none.", examples=[0.9260089686098655]
    )


class ChangedReply(Reply):
    """What the last epoch changed."""

    known: bool = Field(description="Whether the answers one epoch earlier are known.", examples=[True])
    turned_wrong: int = Field(description="Test digits that were right then and are wrong now.", examples=[41])
    turned_right: int = Field(description="Test digits that were wrong then and are right now.", examples=[58])


class EvaluationReply(Reply):
    """What a network makes of the test set."""

    network_id: str = Field(description="The network's id, a UUID.", examples=[NETWORK_ID])
    accuracy: float = Field(description="The fraction of the test set it gets right, 0-1.", examples=[0.953])
    correct: int = Field(description="How many test digits it gets right.", examples=[9530])
    total: int = Field(description="How many there are.", examples=[10000])
    confusion_matrix: list[list[int]] = Field(
        description="10 rows of 10 counts: the row is what a digit is, the column what it is taken for."
    )
    digits: list[DigitReply] = Field(description="The digits 0 to 9.")
    changed: ChangedReply = Field(description="What its last epoch changed.")


class ChosenAnswerReply(TestPictureReply):
    """A test digit, what the network takes it for, and what it took it for one epoch earlier."""

    previous_digit: int | None = Field(description="The answer one epoch earlier, or null.", examples=[5])
    confidence: float = Field(description="The probability of the answer, 0-1.", examples=[0.97])
    output: float = Field(
        description="The largest of the 10 outputs as it is, 0-1; those of sigmoid neurons need not sum to 1.",
        examples=[0.81],
    )


class ChosenAnswersReply(Reply):
    """A page of a network's answers."""

    answers: list[ChosenAnswerReply] = Field(description="In the order asked for.")
    total: int = Field(description="How many fit in all, also beyond `limit`.", examples=[470])
