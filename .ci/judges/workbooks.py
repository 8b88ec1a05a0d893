"""Whether Excel would open the workbooks: `workbooks.py BASE_URL PLAN TOKEN FOLDER`.

Microsoft's validator of Office documents, from npm, finds no fault in a template, in a report to be printed, in a table, and in a
template that comes back with its mistakes marked; and none that was not there before in one that openpyxl, from PyPI, wrote,
with comments and conditional formats of its own.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import openpyxl
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import PatternFill

base, plan, token, folder = sys.argv[1:5]
folder = pathlib.Path(folder)
folder.mkdir(parents=True, exist_ok=True)
# The program itself, not the package that chooses one by platform: that one asks a registry for all six.
validator = pathlib.Path(__file__).parent.parent / "node_modules" / "@xarsh" / "ooxml-validator-linux-x64" / "ooxml-validator"
xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def ask(name, path, body=None):
    headers = {"Authorization": f"Bearer {token}", "Accept": xlsx}
    if body is not None:
        headers["Content-Type"] = xlsx
    request = urllib.request.Request(f"{base}/v1/plans/{plan}/{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, kind, content = answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as answer:
        status, kind, content = answer.code, answer.headers["Content-Type"], answer.read()
    if kind != xlsx or status != (200 if body is None else 422):
        sys.exit(f"{path} was answered with {status} and {kind}: {content[:500]}")
    (folder / name).write_bytes(content)
    return folder / name


def faults(file):
    # Without the libraries of languages, which a small machine has not.
    env = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    run = subprocess.run([validator, file], capture_output=True, text=True, env=env, timeout=120)
    if run.returncode != 0:
        sys.exit(f"the validator did not run: {run.stderr}")
    found = json.loads(run.stdout)["errors"]
    if any(fault["errorType"] == "Exception" for fault in found):
        sys.exit(f"the validator could not read {file.name}: {found}")
    return {(fault["path"], fault["description"]) for fault in found}


def check(file, known=frozenset()):
    found = faults(file) - known
    if found:
        sys.exit(f"{file.name}: {sorted(found)}")
    print(f"{file.name}: no fault")


def cells(book, sheet):
    return [[cell.value for cell in row] for row in book[sheet].iter_rows()]


template = ask("template.xlsx", "readings/template?sub_group=be-healthy&period=FY2010-11-Q1")
for name, path in [("report.xlsx", "status-report.xlsx"), ("readings.xlsx", "readings.xlsx")]:
    check(ask(name, path))
check(template)

# Filled in by a program that is not ours, with comments and a conditional format of somebody's.
book = openpyxl.load_workbook(template)
sheet = book["Figures"]
headings = [cell.value for cell in sheet[4]]
value = headings.index("value") + 1
sheet.cell(5, value, "four")
sheet.cell(6, value, "about five")
sheet.cell(5, value).comment = Comment("Ask the trust", "Ann")
sheet["A1"].comment = Comment("Ours", "Ann")
sheet.conditional_formatting.add("K5:K9", CellIsRule(operator="lessThan", formula=["5"], fill=PatternFill(bgColor="FF00FF00")))
filled = folder / "filled.xlsx"
book.save(filled)
before = faults(filled)
marked = ask("marked.xlsx", "readings?dry_run=true", filled.read_bytes())
again = ask("marked-again.xlsx", "readings?dry_run=true", marked.read_bytes())
for file in (marked, again):
    check(file, before)
    back = openpyxl.load_workbook(file)
    wrong = {sheet.cell(row, value).coordinate for row in (5, 6)}
    noted = {cell.coordinate: cell.comment.text for row in back["Figures"].iter_rows() for cell in row if cell.comment}
    if set(noted) != wrong | {"A1"} or sum(text.count("Waymark found:") for text in noted.values()) != 2:
        sys.exit(f"{file.name} has other comments: {noted}")
    if back.sheetnames != ["Figures", "Notes", "Mistakes"] or cells(back, "Figures") != cells(book, "Figures"):
        sys.exit(f"{file.name} is another workbook: {back.sheetnames}")
    rules = len(back["Figures"].data_validations.dataValidation)
    if rules != len(sheet.data_validations.dataValidation) or back["Figures"].freeze_panes != sheet.freeze_panes:
        sys.exit(f"{file.name} has lost drop-downs or panes")
