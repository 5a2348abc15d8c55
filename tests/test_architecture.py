"""The rules of the code base that a reader may rely on."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from core.corruption import FAULTS
from core.datasets import SOURCES
from core.diversity import MEASURES
from core.models import MODELS
from core.quality import DETECTORS, NETWORKS, THRESHOLDS
from core.registry import Registry
from core.selection import STRATEGIES
from core.settings import PROJECT
from core.studies import STUDIES

# A module imports only from modules further left; those in one group do not know each other.
LAYERS = (
    ("errors",),
    ("registry", "settings", "stats", "charts"),
    ("specs",),
    ("database",),
    ("store",),
    ("datasets", "limits"),
    ("corruption",),
    ("selection", "curation", "details"),
    ("training", "diversity"),
    ("models",),
    ("influence", "quality", "cluster", "units"),
    ("engine",),
    ("studies",),
    ("jobs", "figures"),
    ("report", "bundle"),
    ("output", "cli_share", "cli_away"),
    ("cli_study",),
    ("cli_quality", "cli_curation", "cli_influence"),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# What a bare machine lacks, or what takes long to import: only inside the functions that need it.
HEAVY = {
    "streamlit",
    "altair",
    "vl_convert",
    "cleanvision",
    "cv2",
    "skimage",
    "dask",
    "distributed",
    "sentropy",
    "vendi_score",
}
HEAVY_ALLOWED = {"charts", "cluster"}
LACKING = {"tqdm", "imagehash", "numba"}  # on a bare machine, and quick to import
MODULES = sorted((PROJECT / "core").rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "core":
                yield from (f"core.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def runtime(tree: ast.Module) -> ast.Module:
    """The module without `if TYPE_CHECKING:`."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.Module(body, [])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_data_flow_down_the_layers(path: Path) -> None:
    parts = path.relative_to(PROJECT / "core").with_suffix("").parts
    own = parts[0]
    if own == "__init__":
        return
    tree = runtime(ast.parse(path.read_text(encoding="utf-8")))
    for name in imports(tree):
        top, _, rest = name.partition(".")
        if top == "core":
            other = rest.split(".")[0]
            assert other == own or LEVEL[other] < LEVEL[own], f"{own} must not import {name}"
        assert top not in ("streamlit", "pages"), f"core must not import {name}"
    if own not in HEAVY_ALLOWED:
        top_level = ast.Module(
            [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], []
        )
        for name in imports(top_level):
            assert name.split(".")[0] not in HEAVY, f"import {name} where it is used"


def test_a_bare_machine_can_train() -> None:
    """Training, selection and the store run without the app's and the cluster's libraries."""
    code = (
        "import sys\n"
        f"for name in {sorted(HEAVY | LACKING)!r}: sys.modules[name] = None\n"
        "import core.engine, core.models, core.selection, core.store, core.datasets, core.jobs\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


PRESETS = [study.presets for study in STUDIES.values()]


def entries(*registries: Registry) -> list[str]:
    return list(chain.from_iterable(registries))


@pytest.mark.parametrize(
    "name",
    entries(
        SOURCES,
        STRATEGIES,
        FAULTS,
        MODELS,
        STUDIES,
        *PRESETS,
        THRESHOLDS,
        DETECTORS,
        NETWORKS,
        MEASURES,
    ),
)
def test_every_registry_entry_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split(">=")[0].split("[")[0] for line in lines if line and line[0] != "#"]
    assert names
    for name in names:
        assert f"| {name} |" in readme, name
