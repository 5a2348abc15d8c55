"""Where studies run: on the server's machine, or on the cluster that the operator names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import settings
from pages.shared import shell
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.cluster import State

STATE_SECONDS = 10
CLUSTER, HERE = "The cluster", "This machine"
CHOSEN = "machines_chosen"
COMMANDS = """dask scheduler --port 8786
dask worker tcp://first:8786 --nworkers 4 --nthreads 1
XFACTOR_SCHEDULER=tcp://first:8786 make app"""


def scheduler() -> str | None:
    """Address that the studies of this session are sent to; None for this machine."""
    return None if st.session_state.get(CHOSEN) == HERE else settings.scheduler()


def wait(seconds: float, units: int) -> tuple[float, str]:
    """Seconds to wait for a study of this session, and what they are spent on, in words.

    Args:
        seconds: That all processes together take.
        units: Trainings that processes can share.
    """
    if scheduler():
        return seconds, "of computing, which the workers of the cluster share"
    workers = settings.workers()
    # Beside a GPU seconds are already those of all processes, however few units there are.
    together = workers if settings.gpus() else min(workers, max(units, 1))
    return seconds / together, "on this machine"


def panel() -> None:
    """What the studies of this session run on, what there is, and how to have more."""
    address = settings.scheduler()
    with st.expander(
        f"Where your studies run: {_name(scheduler())}",
        icon=":material/hub:",
        key="machines",
        on_change="rerun",
    ) as box:
        if not box.open:
            return
        if address:
            st.segmented_control(
                "Start my studies on",
                [CLUSTER, HERE],
                default=st.session_state.get(CHOSEN, CLUSTER),
                required=True,
                key="machines_wanted",
                on_change=_choose,
                help="For the studies that you start from now on, until you close this page.",
            )
            st.markdown(sentence(address, state(address)))
        workers = settings.workers()
        st.markdown(
            f"The server's own machine runs {workers} worker "
            f"{'process' if workers == 1 else 'processes'} ({shell.device()})."
        )
        st.caption(
            "For several machines start a Dask scheduler and its workers, and the server with the "
            "scheduler's address. Only who starts the server can name it: the server connects "
            "there and trusts what answers. How, with SLURM, GPUs and encryption: docs/cluster.md."
        )
        st.code(COMMANDS, language="bash", wrap_lines=True)


@st.cache_data(max_entries=4, ttl=STATE_SECONDS, show_spinner="Asking the scheduler …")
def state(address: str) -> State:
    """What the scheduler answers, asked every few seconds at most."""
    from core import cluster

    return cluster.state(address)


def sentence(address: str, found: State) -> str:
    """The state of a cluster, and what it means for a study."""
    if found.workers is None:
        return (
            f"No scheduler answers at {plain(address)}: studies sent there fail until it is "
            "started; then they can be resumed."
        )
    if not found.workers:
        return (
            f"The scheduler at {plain(address)} answers and has no worker: studies sent there "
            "wait for the first."
        )
    workers = f"{found.workers} worker" + ("" if found.workers == 1 else "s")
    tasks = f"{found.threads} task" + ("" if found.threads == 1 else "s")
    return f"The cluster at {plain(address)} has {workers} and runs {tasks} at once."


def _name(address: str | None) -> str:
    return f"the cluster at {plain(address)}" if address else "this machine"


def _choose() -> None:
    st.session_state[CHOSEN] = st.session_state["machines_wanted"]
