"""Pictures as files. Comes in: a BudgetPlan. Goes out: a PNG, SVG or PDF, the same bytes each time, whole or not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import PlanError
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report import save
from scenarios.report.charts import check_asked, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What a file's name may end in, and what of it would tell when and by what it was drawn.
FORMATS: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
#: Dots an inch of a PNG.
SHARPNESS: Final = 150


def write_picture(
    plan: BudgetPlan, path: Path, kind: str = "fan", *, limit: float | None = None, by: str | None = None
) -> Path:
    """Draw the plan as ``plan.plot`` does and write it; returns its path.

    Same plan, same bytes: a file holds no date and no random names.

    Parameters
    ----------
    plan : BudgetPlan
    path : Path
        Its name ends in ``.png``, ``.svg`` or ``.pdf``, which is what is written.
    kind, limit, by
        As of :meth:`scenarios.BudgetPlan.plot`.

    Raises
    ------
    PlanError
        The name ends in something else, there is no such picture, or the file cannot be written.
    """
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in FORMATS:
        names = ", ".join(Path(path).with_suffix(f".{known}").name for known in FORMATS)
        raise PlanError(f"{path}: a picture's name ends in .png, .svg or .pdf, such as {names}")
    check_asked(kind, limit, by, "to_picture")
    return save(Path(path), lambda: picture_bytes(picture(plan, kind, limit=limit, by=by), form))


def picture_bytes(ax: Axes, form: str) -> bytes:
    """A picture in one of :data:`FORMATS`."""
    import matplotlib as mpl

    made = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "tokenplan", "svg.fonttype": "path", "pdf.compression": 6}):
        ax.figure.figure.savefig(made, format=form, dpi=SHARPNESS, metadata=FORMATS[form])
    return made.getvalue()
