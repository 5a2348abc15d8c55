"""What assessments will cost before they are asked for."""

from __future__ import annotations

from core import settings
from core.datasets.base import Dataset
from core.models import Model
from core.store import Store

ALIKE = 0.8, 1.25  # times the rows asked for: those whose time is taken for them
MEASURED = """
SELECT avg(json_extract(meta, '$.seconds') + json_extract(meta, '$.certificate.seconds'))
FROM blobs
WHERE json_extract(meta, '$.origin.dataset') = ? AND json_extract(meta, '$.origin.model') = ?
AND json_extract(meta, '$.origin.rows') BETWEEN ? AND ?
AND json_extract(meta, '$.origin.device') LIKE ? || '%'
"""


def cost(
    left: int, dataset: Dataset, model: Model, rows: int, store: Store
) -> tuple[int, float, bool]:
    """Models left to train and score, seconds of all processes, and whether measured.

    Measured: the mean over stored assessments of this model on about as many rows of this data
    set and this kind of device. Else the rough figure that the model family states for one core.

    Args:
        left: Models.
        dataset: The data set that the rows are of.
        model: What is trained.
        rows: Rows that each is trained on.
        store: Where earlier assessments are.
    """
    device = settings.device() if model.family.gpu else "cpu"
    between = (round(limit * rows) for limit in ALIKE)
    with store.connection() as db:
        asked = (dataset.fingerprint, model.label, *between, device)
        (each,) = db.execute(MEASURED, asked).fetchone()
    measured = each is not None
    if not measured:
        each = model.family.seconds(rows, dataset.row_values, len(dataset.test))
    return left, settings.machine_seconds(left * each, model.family.gpu), measured
