"""Who asks for a picture to be segmented."""

from dataclasses import dataclass

from app.core.errors import SegserveError
from app.inference.budget import Claim
from app.inference.stages import Report, unreported
from app.inference.workers import Tell


def unclaimed(pixels: int) -> None:
    """The claim of those whose pixels nobody counts."""


def _untold(error: SegserveError) -> None:
    """For those who wait for the end anyway."""


@dataclass(frozen=True)
class Caller:
    """Who asks for a picture, and what it wants to be told of it.

    Args:
        claim: told the picture's pixels before they are decoded, in another thread; what it raises ends the call.
        tell: told as soon as the picture takes too long to decode; the call ends when its thread is free again.
        report: told of each stage.
    """

    claim: Claim = unclaimed
    tell: Tell = _untold
    report: Report = unreported


NOBODY = Caller()
"""Wants to be told nothing."""
