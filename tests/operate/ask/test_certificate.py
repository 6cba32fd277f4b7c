"""Both times of a certificate (DER), read from what a listener shows; by Caddy in test_proxy.py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_certificate import BEGINS, certificate

from turo.operate.ask.certificate import Life, life

ENDS = {
    "soon": datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC),
    "over": datetime(2026, 11, 2, tzinfo=UTC),
    "late": datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
    "another-form": datetime(2050, 1, 1, tzinfo=UTC),  # from 2050 on the year has four digits
}


@pytest.mark.parametrize("which", ENDS)
def test_both_times_are_read_whatever_their_form(which: str, tmp_path: Path) -> None:
    assert life(certificate(ENDS[which], tmp_path)[0]) == Life(BEGINS, ENDS[which])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        life(content)


def test_a_certificate_that_is_cut_anywhere_is_none(tmp_path: Path) -> None:
    whole, _ = certificate(ENDS["soon"], tmp_path)
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match="no certificate"):
            life(whole[:length])
