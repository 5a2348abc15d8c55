"""What a solver can say for itself beside the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Certificate:
    """How well S was solved for, and what it cost.

    Args:
        method: `"cg"`, `"lissa"` or `"exact"`.
        curvature: `"ggn"` or `"hessian"`.
        residual: ‖Hs − b‖/‖b‖ over all training rows.
        rtol: The residual that was asked for.
        iterations: CG steps, LiSSA mini-batches, or 1.
        damping: What was added to the diagonal of H, beside l2.
        lambda_max: Estimate of the largest eigenvalue of H + damping·I.
        seconds: Time for S and the scores.
        negative_curvature: Whether a direction with vᵀHv ≤ 0 was met.
        train_share: `seconds` over the time that training took; None where that is not known.
        restarts: Times that LiSSA started again with twice the scale.
    """

    method: str
    curvature: str
    residual: float
    rtol: float
    iterations: int
    damping: float
    lambda_max: float
    seconds: float
    negative_curvature: bool = False
    train_share: float | None = None
    restarts: int = 0

    @property
    def converged(self) -> bool:
        """Whether the residual asked for was met on a positive definite matrix."""
        return self.residual <= self.rtol and not self.negative_curvature

    @property
    def words(self) -> str:
        """One sentence for people."""
        if self.negative_curvature:
            return (
                "The Hessian has negative curvature, so these scores are not a descent step: "
                f"give more damping than {self.damping:g}, or use the Gauss–Newton matrix."
            )
        if self.method == "exact":
            return f"Solved directly: residual {self.residual:.0e}."
        steps = f"{self.iterations:,} steps"
        if self.converged:
            return f"Solver converged: residual {self.residual:.0e} in {steps}."
        return (
            f"Solver stopped at residual {self.residual:.0e} after {steps}; "
            f"{self.rtol:.0e} was asked for."
        )


@dataclass(frozen=True)
class ReplayCertificate:
    """How closely a replay of boosted trees matches the library's own margins.

    Args:
        trees: Trees replayed, over all rounds and classes.
        margin_error: Largest difference from the library's margins, over training and
            validation rows.
        seconds: Time for replay and reverse sweep.
        train_share: `seconds` over the time that training took; None where that is not known.
    """

    trees: int
    margin_error: float
    seconds: float
    train_share: float | None = None
    method: str = "leaf"

    @property
    def words(self) -> str:
        """One sentence for people."""
        return (
            f"Exact for fixed trees: {self.trees:,} trees replayed, margins within "
            f"{self.margin_error:.0e} of the library's."
        )


class Influence(NamedTuple):
    """Scores, shape (n,), float64, positive = harmful; and how far they can be trusted."""

    scores: npt.NDArray[np.float64]
    certificate: Certificate | ReplayCertificate
