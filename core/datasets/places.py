"""Which folders may be read, and the names that data sets in them have."""

from __future__ import annotations

import os
from pathlib import Path

from core import settings
from core.errors import InputError


def allowed(path: Path) -> bool:
    """Whether a path, all links followed, lies in a folder that may be read."""
    real = Path(os.path.realpath(path))  # Path.resolve raises on links that form a loop.
    return any(real.is_relative_to(folder) for folder in settings.allowed_folders())


def find(name: str) -> Path | None:
    """The file or folder that a name or path means, links followed, or None.

    A name is looked for below the folders that may be read, then among them; a relative path
    is also taken from where the program was started.

    Raises:
        InputError: The path leads out of the folders that may be read.
    """
    folders = settings.allowed_folders()
    candidates = [folder / name for folder in folders]
    candidates += [folder for folder in folders if folder.name == name]
    candidates.append(Path.cwd() / name)
    try:
        inside = [path for path in candidates if allowed(path)]
        found = [path for path in inside if path.exists()]
    except (OSError, ValueError):  # No file system can hold it: a NUL, or thousands of letters.
        return None
    if not inside:
        raise InputError(
            f"{name} is outside the folders that may be read ({', '.join(map(str, folders))}): "
            "move it there, or list its folder in XFACTOR_FOLDERS."
        )
    return found[0].resolve() if found else None


def name_of(path: Path) -> str:
    """The shortest name by which `find` gives this path again."""
    for folder in settings.allowed_folders():
        if path.is_relative_to(folder):
            name = folder.name if path == folder else path.relative_to(folder).as_posix()
            if find(name) == path:
                return name
    return str(path)
