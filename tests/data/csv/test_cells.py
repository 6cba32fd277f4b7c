"""Cells as spreadsheets leave them: read as in the clean file, or refused showing the form met."""

import re
from datetime import datetime

import pytest
from export_factory import HEADER, MONEY, Fleet, cents, row, write

from turo.errors import InputError

NOW = datetime(2025, 5, 1, 12)
ORDER = "may be day/month or month/day, or lacks the century: set DATE_ORDER"
START, END = datetime(2025, 6, 5, 9), datetime(2025, 6, 7, 10, 30)
ODOMETERS = ("Check-in odometer", "Check-out odometer", "Distance traveled")


@pytest.fixture(scope="module")
def rows():
    miles = dict(zip(ODOMETERS, ("20,150", "20,270", "120"), strict=True))
    return [r | miles for r in Fleet(days=90).rows(NOW)]


@pytest.fixture
def same(tmp_path, load):
    """Asserts that a spoilt file gives the tables of the clean one; returns those of the spoilt one."""

    def check(clean, spoilt, **settings):
        write(tmp_path, clean)
        expected = load(as_of="2025-05-01")
        write(tmp_path, spoilt)
        tables = load(as_of="2025-05-01", **settings)
        assert tables.reservations.equals(expected.reservations)
        assert tables.vehicles.equals(expected.vehicles)
        assert tables.warnings == expected.warnings
        assert tables.rejected.rows() == []
        return tables

    return check


def in_cells(rows, columns, change):
    return [r | {name: change(r[name]) for name in columns if r[name]} for r in rows]


def plain(amount):
    return f"{abs(cents(amount)) / 100:,.2f}"


def signed(amount, minus="-"):
    return minus * (cents(amount) < 0) + plain(amount)


def accounting(negative):
    """Excel's Accounting format with one way of writing what is below zero."""
    return lambda a: (
        " $ -   " if cents(a) == 0 else f" $ {plain(a)} " if cents(a) > 0 else negative.format(plain(a))
    )


# --- amounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        accounting(" $ ({}) "),
        accounting("$({})"),
        accounting("($ {})"),
        accounting("({} )"),
        lambda a: " -   " if cents(a) == 0 else accounting("({})")(a).replace("$", ""),
        lambda a: "US$ -" if cents(a) == 0 else f"US$ {signed(a)}",
        lambda a: f"USD {signed(a)}",
        lambda a: f"usd{signed(a)}",
        lambda a: f"{signed(a)} USD",
        lambda a: f"US ${signed(a)}",
        lambda a: f"${signed(a)} USD",
        lambda a: signed(a, "\u2212"),
        lambda a: signed(a, "\u2013") + " USD",
        lambda a: signed(a, "\u2212$"),
        lambda a: f"'{signed(a)}",
        lambda a: f'="{signed(a)}"',
        lambda a: a.replace("- $", "-\u00a0$\u202f") + "\u00a0",
        lambda a: f"\u200e{a}\ufeff",
        lambda a: f"{cents(a) / 100:.1f}" if cents(a) % 10 == 0 else f"{cents(a) / 100:.17f}",
    ],
)
def test_amounts(same, rows, form):
    same(rows, in_cells(rows, MONEY, form))


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("CA$12.50", "CA$99.99"),
        ("€12.50", "€99.99"),
        ("12.50 GBP", "99.99 GBP"),
        ("$12.50 CAD", "$99.99 CAD"),
        ("1.234,50", "9.999,99"),
        ("$12.50 paid to Guest 7", "$99.99 aaaa aa aaaaa 9"),
        ("$12.5012345", "$99.9999999"),
        ("1.25E+03", "1.25E+03"),
    ],
)
def test_other_amounts_are_refused_and_their_form_shown(tmp_path, load, rows, cell, form):
    spoilt = in_cells(rows, ["Tolls & tickets"], lambda _: cell)
    write(tmp_path, spoilt)
    told = rf"Tolls & tickets is no amount in US dollars \({len(rows)}, such as {re.escape(form)}\)"
    with pytest.raises(InputError, match=told):
        load(as_of="2025-05-01")


# --- times ------------------------------------------------------------------------------------------------


def hour(text, pattern):
    """A date as people write it, the hour without its zero: `{h}` is of 24, `{t}` of 12."""
    at = datetime.strptime(text, "%Y-%m-%d %I:%M %p")
    return at.strftime(pattern).format(h=at.hour, t=(at.hour - 1) % 12 + 1, d=at.day, m=at.month)


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%d {h}:%M:%S",
        "%Y-%m-%d {h}:%M",
        "%Y-%m-%dT{h}:%M",
        "%Y/{m}/{d} {h}:%M",
        "%Y-{m}-{d} {h}:%M",
        "{m}/{d}/%Y, {t}:%M:%S %p",
        "{m}/{d}/%Y {t}:%M:%S\u202f%p",
        "{m}/{d}/%Y at {t}:%M %p",
        "%b {d}, %Y at {t}:%M %p",
        "%B {d}, %Y {t}:%M:%S %p",
        "%b. {d}, %Y, {t}:%M a.m./%p",
        "{d} %b %Y %H:%M",
        "{d}-%b-%Y %H:%M",
        "{d} %B %Y, {h}:%M:%S",
        "%a, %b {d}, %Y at {t}:%M %p",
        "%A, %B {d}, %Y {t}:%M %p",
        '="%Y-%m-%d %H:%M"',
        "'%Y-%m-%d\u00a0%H:%M",
    ],
)
def test_times(same, rows, pattern):
    def form(text):
        return re.sub(r"a\.m\./([AP])M", lambda m: f"{m[1].lower()}.m.", hour(text, pattern))

    same(rows, in_cells(rows, ("Trip start", "Trip end"), form))


@pytest.mark.parametrize(
    "pattern",
    [
        "{d}/{m}/%Y %H:%M:%S",
        "{d}/{m}/%Y, {t}:%M:%S %p",
        "%d.%m.%Y %H:%M",
        "%d-%m-%Y {h}:%M",
        "%d.%m.%y {h}:%M",
    ],
)
def test_dates_that_need_their_order_say_so_and_are_read_once_it_is_set(tmp_path, load, same, rows, pattern):
    spoilt = in_cells(rows, ("Trip start", "Trip end"), lambda text: hour(text, pattern))
    write(tmp_path, spoilt)
    if "%p" not in pattern:  # with AM or PM four digits of the year are American
        with pytest.raises(InputError, match=r"may be day/month or month/day.*set DATE_ORDER"):
            load(as_of="2025-05-01")
    same(rows, spoilt, date_order="DMY")
    swapped = pattern.translate(str.maketrans("dm", "md"))
    american = in_cells(rows, ("Trip start", "Trip end"), lambda text: hour(text, swapped))
    same(rows, american, date_order="MDY")


def test_the_order_decides_which_day_it_is(tmp_path, load):
    write(tmp_path, [row(1, START, END, Trip_start="05/06/2025 09:00:00")])
    assert load(as_of="2025-07-01", date_order="DMY").reservations["trip_start"].to_list() == [START]
    american = load(as_of="2025-07-01", date_order="MDY").reservations["trip_start"].to_list()
    assert american == [datetime(2025, 5, 6, 9)]


@pytest.mark.parametrize(
    ("cell", "order", "reason"),
    [
        ("2025-06-05", "", "has no time of day (met 2025-06-05)"),
        ("Jun 5, 2025", "", "has no time of day (met Jun 9, 9999)"),
        ("05.06.2025", "", "has no time of day (met 05.06.2025)"),
        ("31.12.2025 9:00", "MDY", "does not fit DATE_ORDER (met 31.12.2025 9:00)"),
        ("5-Jun-25 9:00", "", f"{ORDER} (met 9-Jun-99 9:99)"),
        ("35/06/2025 9:00", "", "is no known date and time (met 35/06/2025 9:00)"),
        ("Mon, Jun 5, 2025 9:00 AM", "", "is no known date and time (met Mon, Jun 9, 9999 9:99 AM)"),
        ("Guest 7 at 9:00", "", "is no known date and time (met aaaaa 9 aa 9:99)"),
    ],
)  # fmt: skip
def test_other_times_are_set_aside_and_their_form_shown(tmp_path, load, rows, cell, order, reason):
    write(tmp_path, [*rows[:9], rows[9] | {"Trip start": cell}, *rows[10:]])
    rejected = load(as_of="2025-05-01", date_order=order).rejected
    assert rejected.select("line", "reason").rows() == [(11, f"Trip start {reason}")]


@pytest.mark.parametrize("cell", ["2025-06-05T09:00-05:00", "2025-06-05 14:00:00Z", "2025-06-05 14:00 UTC"])
def test_a_time_with_an_offset_is_not_moved_to_a_zone_that_nobody_has_chosen(tmp_path, load, cell):
    write(tmp_path, [row(1, START, END, Trip_start=cell)])
    with pytest.raises(
        InputError, match=r"reservations\.csv: Trip start .*TIMEZONE is not set.*timezone of veh"
    ):
        load(as_of="2025-07-01")
    there = load(as_of="2025-07-01", timezone="America/Chicago")
    assert there.reservations["trip_start"].to_list() == [START]
    (tmp_path / "vehicles.csv").write_text("vehicle_id,timezone\n1000000.0,America/Chicago\n")
    assert load(as_of="2025-07-01").reservations["trip_start"].to_list() == [START]


def test_an_empty_variable_does_not_choose_a_zone(tmp_path, load, monkeypatch):
    write(tmp_path, [row(1, START, END, Trip_start="2025-06-05T09:00-05:00")])
    monkeypatch.setenv("TIMEZONE", "")
    with pytest.raises(InputError, match="TIMEZONE is not set"):
        load(as_of="2025-07-01")
    monkeypatch.setenv("TIMEZONE", "America/Chicago")
    assert load(as_of="2025-07-01").reservations["trip_start"].to_list() == [START]


# --- numbers ----------------------------------------------------------------------------------------------


def scientific(text):
    return f"{int(text):.{len(text) - 1}E}"


@pytest.mark.parametrize(
    "form", ["{}.0".format, "{}.00".format, scientific, "'{}".format, '="{}"'.format, "\u00a0{}".format]
)
def test_ids_that_became_numbers(same, rows, form):
    same(rows, in_cells(rows, ("Reservation ID", "Vehicle id"), form))


def test_ids_with_thousands_set_apart(same, rows):
    same(rows, in_cells(rows, ("Reservation ID", "Vehicle id"), lambda text: f"{int(text):,}"))


@pytest.mark.parametrize("form", ["{}.0".format, "'{}".format, '="{}"'.format])
def test_odometers_and_days_that_became_numbers(same, rows, form):
    same(rows, in_cells(rows, (*ODOMETERS, "Trip days"), form))


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("Reservation ID", "6.11E+07", "has lost its last digits to a spreadsheet (met 6.11E+07)"),
        ("Vehicle id", "3.14872E+06", "has lost its last digits to a spreadsheet (met 3.14872E+06)"),
        ("Reservation ID", "3148718.0x", "is blank or no number (met 9999999.9a)"),
        ("Vehicle id", "3148718.5", "is no number (met 9999999.9)"),
    ],
)  # fmt: skip
def test_ids_that_lost_digits_are_set_aside_and_shown(tmp_path, load, rows, column, cell, reason):
    write(tmp_path, [*rows[:9], rows[9] | {column: cell}, *rows[10:]])
    assert load(as_of="2025-05-01").rejected["reason"].to_list() == [f"{column} {reason}"]


def test_an_old_and_a_new_export_in_one_file(same, rows):
    """As a data frame library joins them: what the older lacks is blank, and numbers become floats."""
    old = dict.fromkeys(("Vehicle id", "VIN", "Airport parking credit"), "")
    new = [r | {"Vehicle id": r["Vehicle id"] + ".0"} for r in rows[len(rows) // 2 :]]
    both = [*({**r, **old} for r in rows[: len(rows) // 2]), *new]
    same(rows, in_cells(both, ODOMETERS, lambda text: text.replace(",", "") + ".0"))
    nan = dict.fromkeys(("Vehicle id", "VIN"), "nan")
    same(rows, [*({**r, **old, **nan} for r in rows[: len(rows) // 2]), *new])


def test_every_cell_of_a_row_may_be_guarded(same, rows):
    guarded = ("Vehicle", "Vehicle name", "VIN", "Trip status", *MONEY, *ODOMETERS)
    same(rows, in_cells(rows, guarded, lambda text: f"'{text}"))
    same(rows, in_cells(rows, HEADER, lambda text: f'="{text}"'))


def test_the_commonest_reason_is_counted_over_all_forms(tmp_path, load, rows):
    start = [r | {"Trip start": f"2025-0{n % 4 + 1}-01"} for n, r in enumerate(rows)]
    write(tmp_path, start)
    told = rf"Trip start has no time of day \({len(rows)}, such as 2025-0\d-01\)\."
    with pytest.raises(InputError, match=told):
        load(as_of="2025-05-01")


def test_days_of_the_month_that_are_no_months_speak_for_those_that_may_be(tmp_path, load, rows):
    """Three rows by hand, of which one could be read as another month: none of them is."""
    cells = [("13/2/2025 9:00 AM", "14/2/2025 9:00 AM"), ("15/2/2025 9:00 AM", "16/2/2025 9:00 AM")]
    cells.append(("3/4/2025 9:00 AM", "5/4/2025 9:00 AM"))
    own = [r | {"Trip start": s, "Trip end": e} for r, (s, e) in zip(rows, cells, strict=False)]
    write(tmp_path, [*own, *rows[3:], *[r | {"Reservation ID": f"3{r['Reservation ID']}"} for r in rows]])
    rejected = load(as_of="2025-05-01").rejected
    assert rejected["line"].to_list() == [2, 3, 4]
    assert rejected["reason"].to_list() == [f"Trip start {ORDER} (met {start})" for start, _ in cells]
    by_hand = load(as_of="2025-05-01", date_order="DMY").reservations
    assert datetime(2025, 4, 3, 9) in by_hand["trip_start"].to_list()


def test_a_slip_among_american_dates_does_not_make_them_unclear(tmp_path, load, rows):
    american = [
        r
        | {
            key: f"{day[5:7]}/{day[8:10]}/{day[:4]}{day[10:]}"
            for key in ("Trip start", "Trip end")
            if (day := r[key])
        }
        for r in rows
    ]
    write(tmp_path, american)
    clean = load(as_of="2025-05-01")
    write(
        tmp_path, [*american, american[0] | {"Reservation ID": "39999999", "Trip start": "13/2/2025 9:00 AM"}]
    )
    tables = load(as_of="2025-05-01")
    assert tables.reservations.equals(clean.reservations)
    assert tables.rejected["line"].to_list() == [len(rows) + 2]
