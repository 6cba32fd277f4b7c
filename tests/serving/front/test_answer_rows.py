"""Answers' rows on the pages of home and of a vehicle, as different versions write them."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from pathlib import Path

from fleet_pages import Pages

from turo.files import sha256


def add(datas: Path, **files: str) -> Pages:
    """Lay files beside the others as the forecast would; ask for pages of them."""
    made = datas / "report/made.json"
    about = json.loads(made.read_text())
    for name, text in files.items():
        path = datas / f"report/{name}.csv"
        path.write_text(text)
        about["files"][path.name] = sha256(path)
    made.write_text(json.dumps(about))
    return Pages(str(datas))


def said(pages: Pages, path: str) -> str:
    page = pages.get(path)
    assert page.status_code == 200
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", text))


GAPS = """vehicle_id,start,end,days,after,before,fits,chance,cases,stranded_days,service_slot,\
slot_start,slot_end
A,2026-12-02T00:00:00,2026-12-10T00:00:00,8.0,trip,block,true,0.25,40,5.5,true,2026-12-03,2026-12-04
A,2026-12-14T00:00:00,2026-12-15T12:00:00,1.5,snapshot,listing,false,,7,,false,,
B,2026-12-20T00:00:00,2026-12-21T00:00:00,1.0,trip,trip,true,0.5,30,0.5,true,2026-12-20,2026-12-20
"""
LEAGUE = """vehicle_id,class,window_days,earned_per_day,price_day,use,difference,low,high,verdict{more}
A,car,91,20.5,50,0.41,NaN,,,cannot be told apart{a}
A,car,28,10.25,50,0.205,-3.5,-6,-1,worse{b}
"""


def test_a_vehicle_shows_its_gaps_and_hides_chances_of_few_cases(datas: Path) -> None:
    text = said(add(datas, gaps=GAPS), "/vehicles/A")
    assert (
        "Wed 02 Dec 00:00 Thu 10 Dec 00:00 8.0 trip and block yes 25 % 40 5.5 proposed slot 03 Dec to 04 Dec"
        in text
    )
    assert "Mon 14 Dec 00:00 Tue 15 Dec 12:00 1.5 now and end of listing no too few cases 7" in text
    assert "Sun 20 Dec" not in text


def test_the_league_has_costs_only_where_the_host_gave_them(datas: Path) -> None:
    text = said(add(datas, league=LEAGUE.format(more="", a="", b="")), "/vehicles/A")
    assert text.index("28 days 10.25 50.00 20 %") < text.index("91 days 20.50 50.00 41 %")
    assert "\N{MINUS SIGN}3.50 (\N{MINUS SIGN}6.00 to \N{MINUS SIGN}1.00) worse" in text
    assert "nan" not in text.lower().split("against its class")[1].split("how right")[0]
    assert "profit" not in text
    costs = LEAGUE.format(
        more=",profit,break_even_use,payback_from,payback_to", a=",,,,", b=",120.5,0.35,2027-03-01,2027-09-01"
    )
    text = said(add(datas, league=costs), "/vehicles/A")
    assert "120 35 % 2027-03-01 to 2027-09-01" in text
    for to, words in (
        ("2027-03-01", "120 35 % 2027-03-01 91 days"),
        ("", "120 35 % 2027-03-01 or not within 50 years"),
    ):
        costs = LEAGUE.format(
            more=",profit,break_even_use,payback_from,payback_to", a=",,,,", b=f",120.5,0.35,2027-03-01,{to}"
        )
        assert words in said(add(datas, league=costs), "/vehicles/A")
    never = LEAGUE.format(
        more=",profit,break_even_use,payback_from,payback_to,payback_known",
        a=",,,,,false",
        b=",-120.5,,,,true",
    )
    assert "\N{MINUS SIGN}120 \N{EN DASH} not at these earnings" in said(
        add(datas, league=never), "/vehicles/A"
    )


def test_advice_questions_risk_and_last_week_are_on_the_page(datas: Path) -> None:
    pages = add(
        datas,
        advice="rank,vehicle_id,vehicle,reason,to_do\n"
        "1,A,Kia Rio 2021,fewer on the books,Open 2 December for short trips.\n",
        asked='vehicle_id,vehicle,question\nB,Jeep,"Is it sold?"\n',
        at_risk="vehicle_id,bookings,days,expected_days_lost,expected_money_lost\nA,1,6,0.5,\nB,2,9,,\n",
        since_last_monday="vehicle_id,new_bookings,cancellations,expected_then,expected_now,moved\nA,1,,4,6.5,2.5\nB,,,,,\n",
        fleet_number="horizon_days,track_record\n28,Within 4 % on 52 Mondays.\n",
    )
    a, b, home = (said(pages, path) for path in ("/vehicles/A", "/vehicles/B", "/"))
    assert "Open 2 December for short trips." in a
    assert "Since last Monday: 1 new booking; what is expected of" in a
    assert "window went from 4.0 to 6.5" in a
    assert "of 1 booking that has not begun, cancellations are expected to cost 0.5 days." in a
    assert "Is it sold?" in b
    assert "Since last Monday" not in b  # the file cannot tell
    assert "At risk" not in b
    assert "Which vehicle needs what Kia Rio 2021 : Open 2 December for short trips." in home
    assert "1 vehicle looks sold or at rest" in home
    assert "Next 28 days: Within 4 % on 52 Mondays." in home


def test_columns_that_are_missing_or_of_another_kind_spoil_no_page(datas: Path) -> None:
    spoilt = "vehicle_id,start,days,chance,use,rank,horizon_days\nA,soon,many,half,some,first,all\n"
    names = ("gaps", "league", "advice", "asked", "at_risk", "since_last_monday", "fleet_number")
    pages = add(datas, **dict.fromkeys(names, spoilt))
    text = said(pages, "/vehicles/A")
    assert "What to expect" in text
    assert "Ask a model" in text
    assert "Next 28 days" in said(pages, "/")


def test_monday_by_monday_shows_every_horizon_of_the_newest_thirteen(datas: Path) -> None:
    first = date(2026, 6, 1)
    mondays = [first + timedelta(weeks=number) for number in range(20)]
    head = "vehicle_id,origin_date,horizon_days,target,model,version,mean,median,low,high,actual\n"
    rows = [
        f"A,{monday},{days},y_booked_days,M,1,5,5,4,6,5\n"
        for days in (7, 28, 56, 90)  # as the forecast writes them: horizon by horizon
        for monday in mondays
    ]
    page = add(datas, vehicle_track=head + "".join(rows)).get("/vehicles/A").text
    told = re.findall(r"<tr><td>(\d{4}-\d\d-\d\d)</td><td>(\d+)</td>", page)
    newest = list(reversed(mondays))[:13]
    assert told == [(str(monday), str(days)) for monday in newest for days in (7, 28, 56, 90)]


def test_home_names_vehicles_to_ask_about_also_where_there_is_no_advice(datas: Path) -> None:
    asked = "vehicle_id,vehicle,question\nA,Kia Rio 2021,Is it sold?\n"
    advice = "rank,vehicle_id,vehicle,money_at_stake,days_short,reason,to_do\n"
    text = said(add(datas, asked=asked, advice=advice), "/")
    assert "Which vehicle needs what 1 vehicle looks sold or at rest : the report asks about it." in text
    assert "Which vehicle needs what" not in said(add(datas, asked="vehicle_id,vehicle,question\n"), "/")


def test_a_vehicle_is_compared_with_its_class_or_with_those_that_have_none_either(datas: Path) -> None:
    text = said(add(datas, league=LEAGUE.format(more="", a="", b="")), "/vehicles/A")
    assert "Against its class" in text
    assert "difference to the class" in text
    text = said(add(datas, league=LEAGUE.format(more="", a="", b="").replace(",car,", ",,")), "/vehicles/A")
    assert "Against others without a class" in text
    assert "difference to the others" in text
