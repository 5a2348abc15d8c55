"""The commands on influence: `python -m core influence --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import cli_study
from core.errors import InputError, TrainingDiverged
from core.output import check_table_name, load, write

if TYPE_CHECKING:
    from core.datasets import Dataset
    from core.influence.draw import Draw
    from core.influence.scores import Method
    from core.influence.trainable import Trained
    from core.models import Model
    from core.specs import TrainingSet

Rows = npt.NDArray[np.int64]
L2 = 0.01
PPM = 1_000_000
EMPTY: Rows = np.empty(0, dtype=np.int64)


def add_commands(influence: argparse.ArgumentParser) -> None:
    """Add the subcommands of `influence`."""
    commands = influence.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "score", help="score every training row: harm to the validation loss, label suspicion"
    )
    command.add_argument("--dataset", required=True, help="name, as `datasets` lists it")
    command.add_argument(
        "--model", required=True, help="logistic, mlp-1:width=64, boosting, embedding, …"
    )
    command.add_argument(
        "--train-rows",
        type=Path,
        help="CSV with a column row: row numbers of the training split to train on (default: "
        "1,000 drawn by class; two thirds of a smaller split)",
    )
    command.add_argument(
        "--val-rows",
        type=Path,
        help="likewise, of the training split too, to validate on (default: 500 others drawn by "
        "class; a third of a smaller split)",
    )
    command.add_argument(
        "--l2", type=float, help=f"penalty of logistic regression (default {L2:g})"
    )
    command.add_argument(
        "--flip", type=float, default=0.0, help="share of the training labels to make wrong"
    )
    command.add_argument(
        "--method", help="cg, lissa or exact (default: cg up to 100,000 rows, lissa beyond)"
    )
    command.add_argument(
        "--damping", type=float, help="added to H's diagonal (default: 0; 0.01 for networks)"
    )
    command.add_argument("--batch", type=int, help="rows in a mini-batch of lissa (default 256)")
    command.add_argument(
        "--seed", type=int, default=0, help="seed of split, flips, weights and folds (default 0)"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help="file: row, influence (positive: harmful), self_influence, suspicion, label, "
        "given_label",
    )
    command.set_defaults(run=_score)

    command = commands.add_parser(
        "refine", help="remove harmful rows round by round, beside random removal"
    )
    command.add_argument("spec", type=Path, help="TOML file that describes the refinement")
    cli_study.add_running(command)
    command.set_defaults(run=_refine)


def _refine(options: argparse.Namespace) -> int:
    from core import studies

    study, spec = studies.from_toml(options.spec, "refinement")
    if study.name != "refinement":
        raise InputError(
            f"{options.spec} is a study of the kind {study.name}, not a refinement; run it with "
            "`python -m core study run`."
        )
    return cli_study.run_study(study, spec, options)


def _score(options: argparse.Namespace) -> int:
    from core.influence import LabelSuspicion, dataset_contribution
    from core.influence.rows import harm, judge, own_influence, table, unseen_loss
    from core.influence.trainable import train

    check_table_name(options.out)
    dataset = load(options.dataset)
    model = _model(options, dataset)
    drawn = _drawn(options, dataset)

    def one(training_set: TrainingSet, seed: int) -> Trained:
        try:
            return train(dataset, training_set, model, seed)
        except TrainingDiverged as error:
            raise InputError(f"{error} Choose another model or scale the features.") from error

    _say(f"training {model.label} on {drawn.training_set.rows.size:,} rows")
    trained = one(drawn.training_set, options.seed)
    method, damping = cast("Method", options.method or "auto"), options.damping
    found = harm(dataset, drawn, trained, method, damping, options.batch)
    _say("self-influence")
    own = own_influence(dataset, drawn.training_set, trained, damping)
    _say("loss of every row under a model that has not seen it")
    unseen = unseen_loss(dataset, drawn.training_set, one, options.seed)
    write(table(drawn, found.scores, LabelSuspicion(own, unseen)), options.out)
    _, validation = judge(dataset, drawn, trained)
    contribution = dataset_contribution(found.scores)
    print(found.certificate.words)
    print(
        f"DCS {contribution.dcs:.3f} (raw {contribution.raw:.3g}). Validation loss "
        f"{validation.losses.mean():.4f}, accuracy {validation.accuracy:.2%}, on "
        f"{len(validation.labels):,} rows."
    )
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _model(options: argparse.Namespace, dataset: Dataset) -> Model:
    """The model asked for; the penalty is part of a logistic regression's options."""
    from core.influence.scores import check_options
    from core.influence.trainable import check_trainable
    from core.models import Model

    model = Model.parse(options.model)
    check_trainable(model, dataset)
    check_options(options.method or "auto", "ggn", options.damping, 0.0, 1e-3)
    solver = (options.method, options.damping, options.batch)
    if model.name == "boosting" and any(value is not None for value in solver):
        raise InputError(
            "Boosted trees are replayed, not solved for; leave out --method, --damping and --batch."
        )
    if options.batch is not None and options.method != "lissa":
        raise InputError("--batch is for --method lissa; leave it out or choose lissa.")
    if model.name != "logistic":
        if options.l2 is not None:
            raise InputError(
                f"--l2 is the penalty of logistic regression; {model.name} has none: leave it out."
            )
        return model
    own = model.options["l2_ppm"]
    if own and options.l2 is not None:
        raise InputError("Give the penalty once: --l2 or the option l2_ppm.")
    if own:
        return model
    l2 = L2 if options.l2 is None else options.l2
    ppm = round(l2 * PPM) if np.isfinite(l2) else 0
    if ppm < 1 or abs(ppm - l2 * PPM) > 1e-6 * ppm:
        raise InputError(f"--l2 must be a whole number of millionths from 1e-06 up; got {l2:g}.")
    return Model.of("logistic", {"l2_ppm": ppm})


def _drawn(options: argparse.Namespace, dataset: Dataset) -> Draw:
    """The rows of the files, and drawn rows where there is no file."""
    from core.influence.draw import default_sizes, flipped, mixed
    from core.specs import check_share, check_whole

    check_share("--flip", options.flip, 1.0)
    check_whole("--seed", options.seed, 0)
    train, validation = (
        None if path is None else _read_rows(path, dataset)
        for path in (options.train_rows, options.val_rows)
    )
    sizes = default_sizes(dataset)
    taken = np.concatenate([rows for rows in (train, validation, EMPTY) if rows is not None])
    order = mixed(dataset.train.y, options.seed)
    left = order[~np.isin(order, taken)]
    if validation is None:
        validation, left = left[: sizes[1]], left[sizes[1] :]
    if train is None:
        train = left[: sizes[0]]
    if not len(train) or not len(validation):
        raise InputError(
            f"The other rows of {dataset.name} leave none to train or validate on; give files "
            "with fewer rows, or both files."
        )
    both = np.intersect1d(train, validation)
    if both.size:
        raise InputError(
            f"{both.size:,} rows are in both files, the first of them {both[0]}; a validation row "
            "must not be trained on."
        )
    return flipped(dataset, train, validation, options.flip, options.seed)


def _read_rows(path: Path, dataset: Dataset) -> Rows:
    """Row numbers from the column `row` of a CSV file."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as CSV: {error}.") from error
    if "row" not in table:
        raise InputError(f"{path} needs a column row; it has {', '.join(map(str, table))}.")
    rows, most = table["row"], len(dataset.train) - 1
    if not len(rows) or not pd.api.types.is_integer_dtype(rows.dtype):
        raise InputError(f"The column row of {path} must hold whole numbers, one at least.")
    if rows.min() < 0 or rows.max() > most or rows.duplicated().any():
        raise InputError(
            f"The column row of {path} must hold row numbers of the training split of "
            f"{dataset.name}, from 0 to {most:,}, each once."
        )
    return rows.to_numpy(np.int64)
