"""The questions that can be asked of a data set; each plans training sets and reads the scores.

To add one, write a module that makes a `Study` and list it in `STUDIES`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from core.errors import InputError, UnknownName
from core.registry import Registry
from core.studies.base import Preset, Report, Study, StudySpec
from core.studies.diversity import DIVERSITY
from core.studies.faults import FAULTS_STUDY
from core.studies.influence_scores import INFLUENCE
from core.studies.leave_one_out import LEAVE_ONE_OUT
from core.studies.refinement import REFINEMENT
from core.studies.removal import REMOVAL
from core.studies.scoreboard import SCOREBOARD
from core.studies.union import UNION_STUDY
from core.studies.xfactor import XFACTOR

__all__ = ["STUDIES", "Preset", "Report", "Study", "StudySpec", "from_toml", "of_preset"]

STUDIES = Registry(
    "study",
    XFACTOR,
    FAULTS_STUDY,
    REMOVAL,
    SCOREBOARD,
    REFINEMENT,
    INFLUENCE,
    LEAVE_ONE_OUT,
    UNION_STUDY,
    DIVERSITY,
)


def from_toml(path: Path, kind: str = XFACTOR.name) -> tuple[Study, StudySpec]:
    """The study in a TOML file; without a name in it, it is called like the file.

    Args:
        path: The file. Its line `study = "…"` says which kind it is.
        kind: What it is without that line.

    Raises:
        InputError: The file cannot be read, or its content cannot be used.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read as a study: {error}.") from error
    study = STUDIES[values.pop("study", kind)]
    return study, study.spec.from_dict({"name": path.stem, **values})


def of_preset(name: str) -> Study:
    """The study that a preset belongs to.

    Raises:
        UnknownName: There is no such preset.
    """
    for study in STUDIES.values():
        if name in study.presets:
            return study
    known = [preset for study in STUDIES.values() for preset in study.presets]
    raise UnknownName("preset", name, known)
