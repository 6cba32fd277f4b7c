"""The demo's input: what the host put into its folder, else the sample."""

from __future__ import annotations

from pathlib import Path

from turo.data.csv import input_files
from turo.prepare.reset_sample import SAMPLE
from turo.settings import Settings


def sample_unless_given(settings: Settings) -> bool:
    """Write the sample into the data folder where no file of the host lies; whether it was written.

    Any file of an input's name counts as given, also in another format, and so does an export under another
    name than RESERVATIONS_FILE: reading it then says what to do.
    """
    from turo.data.synthetic.generate import write_sample

    place = settings.data_dir
    asked = {*settings.input_files, *SAMPLE}
    there = (input_files.find(place, name) or input_files.of_other_formats(place, name) for name in asked)
    if any(there) or input_files.of_other_names(place):
        return False
    write_sample(Path(place), horizons=())  # the oracle takes longer than all the rest here
    return True
