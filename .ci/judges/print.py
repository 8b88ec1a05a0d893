"""Whether the reports and the template print well: `print.py BASE_URL PLAN TOKEN FOLDER`.

LibreOffice turns each into PDF. In none does a line of text overlap another or leave its page, nothing shows as ###, every page of
a table begins with its headings (or, where a table begins, with its title), and every page says which of how many it is.
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.request

base, plan, token, top = sys.argv[1:5]
top = pathlib.Path(top)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How much of a line's height may be shared with the next: the boxes are those of the font, not of the ink.
TOUCHING = 0.35


def ask(plan, path, accept=XLSX, body=None, method=None):
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    address = f"{base}/v1/plans/{plan}/{path}" if plan else f"{base}/v1/plans"
    request = urllib.request.Request(address, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read()


def as_pdf(workbook):
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{top.resolve()}/profile", "--headless", "--convert-to", "pdf",
         "--outdir", str(workbook.parent), str(workbook)],
        check=True, capture_output=True, timeout=300,
    )
    return workbook.with_suffix(".pdf")


def pages(pdf):
    """Each page's size and lines: a line is its words and its box."""
    subprocess.run(["pdftotext", "-bbox-layout", str(pdf), str(pdf.with_suffix(".html"))], check=True, timeout=120)
    text = pdf.with_suffix(".html").read_text(encoding="utf-8")
    for page in re.findall(r"<page .*?</page>", text, re.S):
        width, height = (float(size) for size in re.search(r'width="([\d.]+)" height="([\d.]+)"', page).groups())
        lines = []
        for box, inside in re.findall(r'<line xMin="([^>]*?)">(.*?)</line>', page, re.S):
            edges = [float(edge) for edge in re.findall(r"[\d.-]+", "xMin=" + box)]
            words = " ".join(re.findall(r"<word [^>]*>(.*?)</word>", inside))
            lines.append((words, *edges))
        yield width, height, lines


def overlapping(lines):
    for place, (words, left, top, right, bottom) in enumerate(lines):
        for other, left2, top2, right2, bottom2 in lines[place + 1:]:
            across = min(right, right2) - max(left, left2)
            down = min(bottom, bottom2) - max(top, top2)
            if across > 1 and down > TOUCHING * min(bottom - top, bottom2 - top2):
                yield words, other


def check(workbook, headings, also=()):
    name = f"{workbook.parent.name}/{workbook.stem}"
    pdf = as_pdf(workbook)
    faults, numbers, seen = [], [], set()
    for number, (width, height, lines) in enumerate(pages(pdf), 1):
        text = "\n".join(words for words, *_ in lines)
        if "###" in text:
            faults.append(f"page {number}: a number does not fit its column")
        for one, other in overlapping(lines):
            faults.append(f"page {number}: `{one}` lies over `{other}`")
        for words, left, top, right, bottom in lines:
            if left < 0 or top < 0 or right > width or bottom > height:
                faults.append(f"page {number}: `{words}` leaves the page")
        least = min((bottom - top for _, _, top, _, bottom in lines), default=0)
        if least < 6:
            faults.append(f"page {number}: letters of {least:.1f} points are too small to read")
        numbers += re.findall(r"Page (\d+) of (\d+)", text)
        found = {heading for heading in headings if all(word in text for word in heading)}
        if not found:
            faults.append(f"page {number}: has no headings")
        seen |= found
    if not numbers or [int(page) for page, _ in numbers] != list(range(1, len(numbers) + 1)):
        faults.append(f"the pages are numbered {numbers}")
    if any(int(last) != len(numbers) for _, last in numbers) or len(numbers) != sum(1 for _ in pages(pdf)):
        faults.append(f"not every page says which of how many it is: {numbers}")
    for heading in set(headings) - seen:
        faults.append(f"no page has the headings {heading}")
    everything = " ".join(words for _, _, lines in pages(pdf) for words, *_ in lines)
    for wanted in also:
        if wanted not in everything:
            faults.append(f"`{wanted}` is nowhere to be read")
    for fault in faults:
        print(f"{name}.pdf, {fault}")
    print(f"{name}.pdf: {len(numbers)} pages, {len(faults)} faults")
    return not faults


def words(count, kind):
    """So many characters of words, as long as people write them and now and then longer."""
    text = f"{kind} of young people who are not in education, employment or training; Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch "
    return (text * (count // len(text) + 1))[:count].strip()


def make_long_plan():
    """A plan in which everything is as long as it may be."""
    code = "a-plan-with-long-titles"

    def post(path, body, method="POST"):
        ask(code, path, "application/json", body, method)

    ask(None, "", "application/json", {
        "code": code, "title": words(200, "The plan"), "starts_on": "2009-04-01", "ends_on": "2011-03-31",
        "description": words(4000, "What is said"),
    })
    post("organisations", {"code": "o" * 64, "title": words(200, "An organisation")})
    for area in "ab":
        post("outcome-areas", {"code": area * 64, "title": words(200, "The outcome area"), "position": 1})
        post("priorities", {"code": area * 63, "title": words(400, "The priority"), "outcome_area": area * 64})
    post("sub-groups", {"code": "g", "title": words(200, "The sub-group"), "lead_organisation": "o" * 64, "outcome_areas": ["a" * 64, "b" * 64]})
    for number in range(12):
        kpi = f"{'K' * 60}{number:02}"
        post("kpis", {
            "code": kpi, "title": words(300, f"{number} The share"), "definition": words(4000, "The definition"), "priority": "ab"[number % 2] * 63,
            "unit": "currency", "decimals": 6, "polarity": "lower_is_better", "frequency": "quarter", "calendar": "financial",
            "aggregation": "snapshot", "lead_organisation": "o" * 64,
        })
        for period in ["FY2009-10-Q2", "FY2009-10-Q3", "FY2009-10-Q4"][: number % 4]:
            figure = {"value": 987654321.123456 + number, "commentary": words(4000, "The commentary")}
            post(f"kpis/{kpi}/readings/{period}", figure, "PUT")
        post(f"kpis/{kpi}/targets/FY2009-10-Q4", {"value": 123456789.123456}, "PUT")
        action = {"kpi": kpi, "what": words(2000, "The action"), "owner": {"organisation": "o" * 64, "role": words(100, "The role")}, "due": "2030-03-31", "cause": {"code": "capacity", "text": words(2000, "The cause")}}
        post("actions", action)
    return code


SUMMARY, KPIS = ("Outcome area", "Headline"), ("Title", "Figure", "In words")
EXCEPTIONS, ACTIONS = ("Place", "Figure", "What was said"), ("What is to be done", "By whom")
LEGEND = ("Word", "What it means")
CONTEXT, FILLED, NOTES = ("kpi", "title", "definition"), ("kpi", "title", "numerator"), ("How to fill it in",)


def check_plan(plan):
    folder = top / plan
    folder.mkdir(parents=True, exist_ok=True)

    def fetch(name, path):
        (folder / f"{name}.xlsx").write_bytes(ask(plan, path))
        return folder / f"{name}.xlsx"

    frozen = {"title": "The year 2009/10", "period": "FY2009-10-Q4"}
    frozen = json.loads(ask(plan, "board-reports", "application/json", frozen))["id"]
    group = json.loads(ask(plan, "sub-groups", "application/json"))["items"][0]["code"]
    london = ["London time"]
    return [
        check(fetch("status-report", "status-report?period=FY2009-10-Q4"), [SUMMARY, KPIS, LEGEND], london),
        check(fetch("exceptions", "exceptions?period=FY2009-10-Q4"), [EXCEPTIONS, LEGEND], london),
        check(fetch("board-report", f"board-reports/{frozen}"), [SUMMARY, KPIS, EXCEPTIONS, ACTIONS, LEGEND], london),
        check(fetch("template", f"readings/template?period=FY2009-10-Q4&sub_group={group}"), [CONTEXT, FILLED, NOTES]),
    ]


sys.exit(0 if all(check_plan(plan) + check_plan(make_long_plan())) else 1)
