"""Numbers and foreign texts as people should read them."""

from __future__ import annotations

import re
import time

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:])")


def plain(text: str) -> str:
    r"""A text that Markdown shows as it is: names, paths and messages of others."""
    return MARKDOWN.sub(r"\\\1", text)


def duration(seconds: float) -> str:
    """A time span in the largest units that matter, such as `"2 h 5 min"`."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours / 24:.1f} days"


def ago(moment: float) -> str:
    """How long ago a Unix time was, such as `"3 min ago"`."""
    seconds = time.time() - moment
    return "just now" if seconds < 5 else f"{duration(seconds)} ago"
