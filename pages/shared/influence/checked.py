"""What the spot check found: predicted against true change."""

from __future__ import annotations

import streamlit as st

from core.charts import influence as charts
from core.studies.leave_one_out import sentence
from pages.shared import audits, export, loaders, shown
from pages.shared.text import plain


def show(key: str, moment: float) -> None:
    """Draw a spot check.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    found = loaders.leave_one_out(key, moment)
    if found.table.empty:
        st.info("No row has been left out yet.", icon=":material/hourglass_empty:")
        return
    st.markdown(plain(sentence(found)))
    st.caption(
        "Below 0 the validation loss falls without the row; the dashed line is equality. What is "
        "predicted is −(influence − mean influence)/(n − 1), because the rows that are left weigh "
        "more in a mean over n − 1."
    )
    figure = charts.spot_check(found.table)
    st.altair_chart(figure, alt="True against predicted change of the validation loss")
    export.chart(figure, found.table, found.spec.name)
    numbers = st.column_config.NumberColumn(format="scientific")
    names = dict(enumerate(found.classes))
    st.dataframe(
        found.table.dropna(axis=1, how="all").replace({"label": names, "given_label": names}),
        hide_index=True,
        column_config=dict.fromkeys(("predicted", "true", "sd"), numbers),
    )
    audits.parquet(found.table, f"{found.spec.name}-table")
    shown.made(found.runs)
