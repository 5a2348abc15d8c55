"""Finished studies as one HTML file that holds everything it shows and asks no network.

Charts are drawn in the reader's browser, by a copy of Vega in the file. Whatever came from data
(names, labels, messages) is escaped, and the file's own policy lets no other script run.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.report.parts import Part, escaped, study_part

if TYPE_CHECKING:
    from core.jobs import Job
    from core.store import Store

__all__ = ["report"]

HERE = Path(__file__).parent


def report(chosen: Sequence[Job], store: Store) -> bytes:
    """One self-contained HTML file, UTF-8.

    Args:
        chosen: Finished studies, in the order wanted; one that comes twice is shown once.
        store: Where their results are.

    Raises:
        InputError: There is none, or one has not ended well.
    """
    found = list({job.key: job for job in chosen}.values())
    if not found:
        raise InputError("A report takes at least one finished study; got none.")
    for job in found:
        if job.state != "done":
            raise InputError(
                f"Study {job.name!r} is {job.state}; a report takes finished studies, so let it "
                "end or take it up again first."
            )
    parts = [study_part(job, store, number) for number, job in enumerate(found, start=1)]
    # A file name can hold halves of characters, which UTF-8 cannot write.
    return _page(found, parts).encode("utf-8", "replace")


def _page(found: list[Job], parts: list[Part]) -> str:
    title = found[0].name if len(found) == 1 else f"{len(found)} studies"
    links = "".join(
        f'<li><a href="#study-{number}"><bdi>{escaped(job.name)}</bdi></a></li>'
        for number, job in enumerate(found, start=1)
    )
    scripts = [_vega(), _text("report.js")]
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta http-equiv="Content-Security-Policy" content="',
            f'{_policy(scripts)}">\n<title>{escaped(title)}</title>\n',
            f"<style>\n{_text('report.css')}</style>\n</head>\n<body>\n<main>\n",
            f"<h1>X-Factor Lab: <bdi>{escaped(title)}</bdi></h1>\n",
            f'<p class="soft">Written {time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}. ',
            "Point at a mark for its numbers; the tables under the figures hold them too.</p>\n",
            f"<nav><ul>{links}</ul></nav>\n" if len(found) > 1 else "",
            "<noscript><p>Without JavaScript the figures stay empty; their numbers do not.</p>",
            "</noscript>\n",
            *(part.body for part in parts),
            "</main>\n",
            *(spec for part in parts for spec in part.specs),
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        )
    )


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Nothing from the network, and no script but these."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    # Vega compiles its expressions, and writes the style of its tooltips and menus.
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
