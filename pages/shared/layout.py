"""Panels that stand side by side where there is room and below each other where there is not."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# Two stand beside the sidebar in a window 1440 pixels wide.
PANEL = 480
# Three stand side by side in a frame in a window 1440 pixels wide.
WIDGET = 290


def panels() -> DeltaGenerator:
    """A container for panels."""
    return st.container(horizontal=True, gap="small")


def panel() -> DeltaGenerator:
    """One panel; never wider than the window."""
    return st.container(width=PANEL)
