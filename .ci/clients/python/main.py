"""A client generated from the OpenAPI document, run from posting a figure to reading the report."""

import sys
from http import HTTPStatus
from xml.etree import ElementTree

from waymark_client import AuthenticatedClient
from waymark_client.api.kpis import list_kpis, update_kpi
from waymark_client.api.readings import put_reading
from waymark_client.api.reports import get_kpi_badge, get_kpi_sparkline, get_status_report
from waymark_client.models import (
    Assessment,
    KpiChange,
    KpiPage,
    ReadingDraft,
    PostedReading,
    Problem,
    StatusReport,
)
from waymark_client.types import UNSET, Unset


def main(client: AuthenticatedClient, plan: str) -> None:
    kpi, period = "NI-117", "FY2010-11-Q2"

    # A figure is posted, and what it changes comes back with it.
    figure = ReadingDraft(numerator=231, denominator=5120, reason="Posted by the Python client.")
    posted = put_reading.sync(plan, kpi, period, client=client, body=figure)
    assert isinstance(posted, PostedReading), posted
    assert posted.value == 4.51171875
    assert isinstance(posted.effect.after, Assessment)
    assert posted.effect.after.reported_text == "4.5 %"

    # It stands in the status report of its period.
    report = get_status_report.sync(plan, client=client, period=period)
    assert isinstance(report, StatusReport), report
    assessments = [
        assessment
        for area in report.outcome_areas
        for priority in area.priorities
        for assessment in priority.kpis
    ]
    found = next(assessment for assessment in assessments if assessment.kpi == kpi)
    assert (found.value, found.period.key) == (4.51171875, period)

    # What is wrong comes back as a typed problem, everything at once.
    wrong = put_reading.sync_detailed(plan, kpi, period, client=client, body=ReadingDraft(numerator=231, denominator=0))
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert isinstance(wrong.parsed, Problem), wrong
    assert [fault.pointer for fault in wrong.parsed.errors] == ["/denominator"]

    # So does a change of what has changed since.
    stale = update_kpi.sync_detailed(plan, kpi, client=client, if_match='"1"', body=KpiChange(title="Too late"))
    assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
    assert isinstance(stale.parsed, Problem)
    assert stale.parsed.code == "precondition_failed"

    # A list is read a page at a time.
    codes: list[str] = []
    cursor: str | Unset = UNSET
    while True:
        page = list_kpis.sync(plan, client=client, limit=7, cursor=cursor)
        assert isinstance(page, KpiPage), page
        codes.extend(item.code for item in page.items)
        if page.next_ is None:
            break
        cursor = page.next_
    assert len(codes) > 7 and len(set(codes)) == len(codes), codes

    # The pictures are XML to a parser that is strict, and say in words what they show.
    for picture in (
        get_kpi_badge.sync(plan, kpi, client=client, period=period),
        get_kpi_sparkline.sync(plan, kpi, client=client),
    ):
        assert isinstance(picture, str), picture
        title = ElementTree.fromstring(picture).findtext("{http://www.w3.org/2000/svg}title")
        assert title is not None and "4.5 %" in title, title

    print(f"Python: a figure posted and reported, a 422 and a 412 understood, {len(codes)} KPIs in pages.")


if __name__ == "__main__":
    url, token, plan = sys.argv[1:]
    with AuthenticatedClient(base_url=url, token=token) as client:
        main(client, plan)
