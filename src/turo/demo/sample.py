"""The demo's input: what the host put into its folder, else the sample."""

from __future__ import annotations

from pathlib import Path

from turo.data.csv import input_files
from turo.settings import Settings


def sample_unless_given(settings: Settings) -> bool:
    """Write the sample into the data folder where no reservations lie; whether it was written.

    An export under another name than RESERVATIONS_FILE counts as given: reading it then says what to set.
    """
    from turo.data.synthetic.generate import write_sample

    place = settings.data_dir
    if input_files.find(place, settings.reservations_file) or input_files.of_other_names(place):
        return False
    write_sample(Path(place), horizons=())  # the oracle takes longer than all the rest here
    return True
