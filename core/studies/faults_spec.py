"""What a study of faults consists of, and the presets to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from core.corruption.fault import SPLITS, Fault
from core.corruption.faults import FAULTS
from core.datasets.base import Dataset
from core.errors import InputError, UnknownName
from core.models import Model
from core.registry import Registry
from core.specs import MOST_REPEATS, Spec, check_known, check_list, check_text, check_whole, setting
from core.studies.base import Preset

EACH = "each"


@dataclass(frozen=True)
class Line:
    """One fault with its choices, at several levels: one line of the charts.

    Args:
        fault: Name in the registry.
        levels: In the fault's own unit.
        where: Which split is damaged.
        choices: Name and value of each choice that is not at its default, sorted; the value
            `each` of a class makes one line a class.
    """

    fault: str
    levels: tuple[float, ...]
    where: str = "train"
    choices: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Line:
        """A line from its text, `fault[:choice=value,…][@level,…]`.

        Examples: `flip-random`, `flip-random@0.1,0.2`, `remove-class:label=each`,
        `gaussian-noise:where=both,share=0.5,second=box-blur/5@8,16`.

        Raises:
            UnknownName: There is no such fault or choice.
            InputError: A value or a level is none.
        """
        head, _, levels = text.partition("@")
        name, _, rest = head.partition(":")
        fault = FAULTS[name.strip()]
        where, choices = "train", {}
        for part in filter(None, (part.strip() for part in rest.split(","))):
            key, _, value = part.partition("=")
            if key == "where":
                check_known("split", value, SPLITS)
                where = value
            else:
                choices[key] = _choice(fault, key, value, text)
        numbers = tuple(_number(level, text) for level in levels.split(",") if level.strip())
        return cls(fault.name, numbers or fault.levels, where, tuple(sorted(choices.items())))

    @property
    def label(self) -> str:
        """Canonical text without the levels, which are on the axis."""
        given = [f"{name}={_text(value)}" for name, value in self.choices]
        if self.where != "train":
            given.insert(0, f"where={self.where}")
        return ":".join([self.fault, ",".join(given)] if given else [self.fault])

    @property
    def text(self) -> str:
        """Canonical text, which `parse` reads."""
        return f"{self.label}@{','.join(f'{level:g}' for level in self.levels)}"

    def expanded(self, dataset: Dataset) -> list[Line]:
        """This line, or one for each class where a choice is `each`."""
        for place, (name, value) in enumerate(self.choices):
            if value == EACH:
                before, after = self.choices[:place], self.choices[place + 1 :]
                return [
                    Line(self.fault, self.levels, self.where, (*before, (name, label), *after))
                    for label in range(len(dataset.classes))
                ]
        return [self]


def _choice(fault: Fault, name: str, value: str, text: str) -> Any:
    kinds = {key: choice.kind for key, choice in fault.choices.items() if choice.kind != "matrix"}
    if name not in kinds:
        raise UnknownName(f"choice of {fault.name}", name, ["where", *kinds])
    kind = kinds[name]
    if kind == "class" and value == EACH:
        return EACH
    if kind == "class" and value.isascii() and value.isdecimal():
        return int(value)
    if kind == "switch" and value in ("0", "1"):
        return value == "1"
    if kind == "share":
        return _number(value, text)
    if kind == "perturbation":
        second, _, level = value.partition("/")
        return second, _number(level, text)
    raise InputError(
        f"In {text!r} the choice {name} cannot be {value!r}: a class is a number or each, a switch "
        "0 or 1, a share a number, a second perturbation name/level."
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return f"{value[0]}/{value[1]:g}"
    return value if isinstance(value, str) else f"{value:g}"


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"In {whole!r} the level or share {text!r} is not a number.") from None


@dataclass(frozen=True)
class FaultsSpec(Spec):
    """Which faults are put into a data set, at which levels, and which models show the cost.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "faults"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    name: str = setting("faults", help="What you call the study.")
    faults: tuple[str, ...] = setting(
        ("flip-random", "keep", "gaussian-noise"),
        help="Faults, each with its levels: name, name@level,level or "
        "name:choice=value,where=both@level,level.",
    )
    models: tuple[str, ...] = setting(("rf", "mlp-1"), help="Models trained on every data set.")
    repeats: int = setting(3, help="Times each level is drawn and trained, with other seeds.")
    images: int = setting(
        0,
        help="Start from so many training rows drawn at random in each repeat, to save time; "
        "0 for all.",
    )
    details: int = setting(
        1,
        help="1: keep which test rows each model gets wrong and, of networks, the accuracy after "
        "every epoch, which takes longer. 0: keep the scores alone.",
    )
    seed: int = setting(0, help="Seed of all draws.")

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_whole("repeats", self.repeats, 1, MOST_REPEATS)
        check_whole("images", self.images, 0)
        check_whole("seed", self.seed, 0)
        if self.details not in (0, 1):
            raise InputError(f"details must be 0 or 1; got {self.details!r}.")
        check_list("faults", self.faults)
        check_list("models", self.models)
        if not self.faults or not self.models:
            raise InputError("A study needs at least one fault and one model.")
        check_list("models", tuple(model.label for model in self.parsed_models()))
        check_list("faults", tuple(line.label for line in self.lines()))

    def lines(self) -> list[Line]:
        """The faults as values, in the order given."""
        return [Line.parse(text) for text in self.faults]

    def parsed_models(self) -> list[Model]:
        """The models as values, in the order given."""
        return [Model.parse(text) for text in self.models]


TENTHS = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
HUNDREDTHS = ",".join(f"{percent / 100:g}" for percent in range(1, 21))
CIFAR10_MODELS = ("resnet20", "nin")
CLASSES = "remove-class:label=each"
RELABELLED = "relabel-class:label=each,to=0"


def _paper(dataset: str, question: str, summary: str, faults: tuple[str, ...]) -> Preset:
    """One research question of the Four-aspects paper on one of its data sets."""
    models = CIFAR10_MODELS if dataset == "cifar10" else ("lenet5",)
    settings = {"faults": faults, "models": models, "repeats": 3}
    title = f"{question.capitalize()} ({'CIFAR-10' if dataset == 'cifar10' else 'MNIST'})"
    return Preset(f"{dataset}-{question}", title, summary, settings, dataset)


PRESETS = Registry(
    "preset",
    Preset(
        "faults-quick",
        "Quick",
        "Five faults at a few levels and two models: two minutes on the digits.",
        {
            "faults": (
                "flip-random@0.1,0.2,0.4,0.6",
                "keep@0.05,0.1,0.3,0.6",
                CLASSES,
                "gaussian-noise:where=both@32,64,128",
                "gaussian-blur:where=both@3,5",
            ),
            "models": ("rf", "mlp-1"),
        },
    ),
    _paper("mnist", "equilibrium", "Each class removed in turn; LeNet-5.", (CLASSES,)),
    _paper("mnist", "size", "Shares of the training split; LeNet-5.",
           (f"keep@{HUNDREDTHS},{TENTHS[4:]}",)),
    _paper("mnist", "labels", "Shares of the labels flipped; LeNet-5.",
           (f"flip-random@{HUNDREDTHS},{TENTHS[4:]},1",)),
    _paper("mnist", "contamination", "Contrast of the training images changed; LeNet-5.",
           ("contrast-weaker", "contrast-stronger")),
    _paper("cifar10", "equilibrium", "Each class removed, or relabelled, in turn.",
           (CLASSES, RELABELLED)),
    _paper("cifar10", "size", "Shares of the training split.",
           ("keep@0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.85,0.9,0.95",)),
    _paper("cifar10", "labels", "Shares of the labels flipped.",
           ("flip-random@0.1,0.2,0.3,0.4,0.5,0.6",)),
    _paper("cifar10", "contamination", "Noise and gamma on the training images.",
           ("gaussian-noise@2,8,16", "salt-and-pepper@0.05,0.1,0.2,0.3,0.4",
            "gamma@0.25,0.5,2,4")),
    Preset(
        "perturbations",
        "Perturbations",
        "The Image-quality paper's table: a compact CNN trained on clean images meets test images "
        "with each perturbation.",
        {
            "faults": tuple(
                f"{fault.name}:where=test"
                for fault in FAULTS.values()
                if fault.aspect == "contamination" and fault.name != "grey"
            ),
            "models": ("cnn",),
        },
    ),
)  # fmt: skip
