"""The papers' figures on faults, and ours beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Args:
        fault: Whose curves it is about.
        paper: Short name of the paper.
        text: What it says.
        why: What may make ours differ.
    """

    fault: str
    paper: str
    text: str
    why: str


PUBLISHED = (
    Figure(
        "contrast-weaker", "Four-aspects", "MNIST, LeNet-5: accuracy 98 → 95 %.",
        "The paper does not state its factor; ours keep the test images as they are.",
    ),
    Figure(
        "contrast-stronger", "Four-aspects", "MNIST, LeNet-5: accuracy 98 → 67 %.",
        "The paper does not state its factor. Around the image's mean, a stronger contrast cuts "
        "a digit's strokes off at white and loses little; around a middle grey it would lose more.",
    ),
    Figure(
        "flip-random", "Four-aspects",
        "More than 20 % label errors cannot be tolerated; MNIST falls to chance at 15 %.",
        "Chance at 15 % random flips is not reached by a network that still sees 85 % right "
        "labels: the losses here grow smoothly.",
    ),
    Figure(
        "keep", "Four-aspects", "CIFAR-10: accuracy falls steeply under 10,000 images.",
        "Depends on the model and on how long it is trained.",
    ),
    Figure(
        "gaussian-noise", "Four-aspects",
        "CIFAR-10: noise on the training images does little harm or helps.",
        "Helps where it keeps the network from learning its training set by heart.",
    ),
    Figure(
        "gaussian-blur", "Image-quality", "CIFAKE, compact CNN: accuracy 54.70 % at kernel 5.",
        "CIFAKE has two classes (chance is 50 %); another data set has another chance level.",
    ),
)  # fmt: skip


def beside_papers(curves: pd.DataFrame) -> pd.DataFrame:
    """Every published figure on a fault that was studied, and what came out here.

    Args:
        curves: `Analysis.curves`.

    Returns:
        Columns `fault`, `paper`, `published`, `model`, `here`, `why`; one row a line and model.
    """
    rows = []
    for figure in PUBLISHED:
        part = curves[curves["fault"] == figure.fault]
        for (line, model), some in part.groupby(["line", "model"], sort=False):
            steps = ", ".join(
                f"{100 * row['accuracy']:.1f} % at {row['level']:g}"
                for row in some.to_dict("records")
            )
            rows.append(
                {
                    "fault": line, "paper": figure.paper, "published": figure.text, "model": model,
                    "here": f"clean {100 * some['clean'].mean():.1f} %; {steps}",
                    "why": figure.why,
                }
            )  # fmt: skip
    columns = ["fault", "paper", "published", "model", "here", "why"]
    return pd.DataFrame(rows, columns=columns)
