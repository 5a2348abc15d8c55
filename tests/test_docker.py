"""The Docker files name what exists and start what can be started; no image is built."""

from __future__ import annotations

import json
import re

import pytest
import yaml  # Comes with Dask.

from core.settings import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text())
HOME = "/home/lab/xfactor"


def test_the_image_does_not_run_as_root_and_starts_the_app() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["lab"]
    (command,) = re.findall(r"^CMD (.+)", DOCKERFILE, re.MULTILINE)
    assert json.loads(command)[:3] == ["streamlit", "run", "app.py"]
    assert f"WORKDIR {HOME}" in DOCKERFILE


def test_nothing_but_the_app_is_published_and_that_to_this_machine_only() -> None:
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8501:8501"]


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_the_commands_of_the_services_exist(name: str) -> None:
    import click
    from distributed.cli import dask_scheduler, dask_worker

    program, command, *arguments = COMPOSE["services"][name]["command"]
    assert program == "dask"
    entry: click.Command = {"scheduler": dask_scheduler, "worker": dask_worker}[command].main
    entry.make_context(command, arguments, resilient_parsing=True)


def test_services_find_the_scheduler_and_keep_what_must_last() -> None:
    app, worker = COMPOSE["services"]["app"], COMPOSE["services"]["worker"]
    assert app["environment"]["XFACTOR_SCHEDULER"] in worker["command"]
    kept = dict(volume.split(":") for volume in app["volumes"])
    assert kept == {"cache": f"{HOME}/cache", "data": f"{HOME}/data"}
    assert set(COMPOSE["volumes"]) == set(kept)


def test_the_image_leaves_out_what_git_ignores() -> None:
    ignored = (PROJECT / ".gitignore").read_text().split()
    left_out = (PROJECT / ".dockerignore").read_text().split()
    assert {path.strip("/") for path in ignored} <= {path.removeprefix("**/") for path in left_out}
