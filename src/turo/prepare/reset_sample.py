"""`turo reset-sample`: put the sample, and all that was made of it, out of the way of one's own data.

Only files that are the sample's byte for byte are moved, below `other-fleets/sample/`; nothing is deleted.
"""

from __future__ import annotations

import logging
from pathlib import Path

from turo import last_runs
from turo.errors import ConfigError, InputError
from turo.files import sha256
from turo.prepare import other_fleets
from turo.settings import Settings
from turo.table import reader
from turo.table.lock import exclusive
from turo.table.names import FLEETS, MANIFEST, ORACLE, ORACLE_TOTALS, OUTPUTS

# The committed files, as `turo generate` writes them (tests/prepare/test_sample.py compares).
SAMPLE = {
    "reservations.csv": "6d708008ac0431df44d0d1a7459d9b4995c8c272b310ce5a05068e3e7520e23a",
    "vehicles.csv": "3814de710ce8f19d15a88cd8d8361e30f807d58b18b347f5c7be6a0ac33cca9d",
    "blocks.csv": "3769459ab669a024404d353fa1a6b78fdd95f1198f6ec34557ef8176c965a965",
}
PLACE = "sample"
NEXT = (
    "Put your own files into the folder: the DAG new_files starts prepare_data; else you do. "
    "The sample's models answer until your own take their places, but not for your vehicles. "
    "`turo reset-sample --undo` brings the files back."
)

logger = logging.getLogger(__name__)


def found(settings: Settings) -> list[Path]:
    """What `reset` would move: the sample's own files, and the outputs if they were made of them.

    Raises:
        ConfigError: DATA_DIR is a URL.
    """
    if "://" in settings.data_dir:
        raise ConfigError(
            f"DATA_DIR={settings.data_dir} is a URL: the sample is only ever in a local folder.",
            "Remove its files there yourself.",
        )
    folder = Path(settings.data_dir)
    files = [folder / name for name, digest in SAMPLE.items() if _is(folder / name, digest)]
    if files:
        files += [folder / name for name in (ORACLE, ORACLE_TOTALS) if (folder / name).is_file()]
    made = [folder / name for name in OUTPUTS if name != FLEETS] if _made_of_sample(folder) else []
    return [*files, *(path for path in made if path.exists())]


def reset(settings: Settings) -> dict[str, list[str]]:
    """Move what `found` lists, and forecasts and further tables of the sample; returns the names moved.

    How steps ended that were run on the sample is forgotten. The manifest goes last: killed in between, a
    second call moves the rest.

    Raises:
        ServiceError: `turo prepare` is at work in the folder.
    """
    folder = Path(settings.data_dir)
    place = folder / other_fleets.FOLDER / PLACE
    with exclusive(folder):
        paths = found(settings)
        fleet = other_fleets.current(folder) if _made_of_sample(folder) else ""
        forecasts = other_fleets.put_away(folder, fleet) if fleet else []
        if fleet or not (folder / MANIFEST).exists():  # else they tell of one's own table
            last_runs.forget_all(folder)
        for path in sorted(paths, key=lambda path: path.name == MANIFEST):
            place.mkdir(parents=True, exist_ok=True)
            path.replace(place / path.name)
    moved = [path.name for path in paths]
    logger.info("Moved to %s: %s", place, ", ".join(moved) or "nothing")
    return {"moved": moved, "forecasts": forecasts}


def undo(settings: Settings) -> dict[str, list[str]]:
    """Move back what `reset` moved, where the places are free; returns the names moved.

    Raises:
        InputError: there are other reservations in the folder.
        ServiceError: `turo prepare` is at work in the folder.
    """
    folder = Path(settings.data_dir)
    with exclusive(folder):
        if (folder / "reservations.csv").exists():
            raise InputError(
                f"{folder} has a reservations.csv: the sample's would not be used beside it.",
                "Move it elsewhere first.",
            )
        names = [*SAMPLE, ORACLE, ORACLE_TOTALS]
        if not (folder / MANIFEST).exists():
            names += [name for name in OUTPUTS if name != FLEETS]
        kept = [folder / other_fleets.FOLDER / PLACE / name for name in names]
        moved = [path for path in kept if path.is_file() and not (folder / path.name).exists()]
        for path in moved:
            path.rename(folder / path.name)
        return {"moved": [path.name for path in moved], "forecasts": other_fleets.take_back(folder)}


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _made_of_sample(folder: Path) -> bool:
    """Do the outputs in the folder come from the sample's reservations?"""
    try:
        inputs = reader.known_manifest(str(folder))["inputs"]
        return bool(inputs["reservations.csv"]["sha256"] == SAMPLE["reservations.csv"])
    except (KeyError, TypeError):
        return False
