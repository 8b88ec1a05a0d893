"""Whether tools that know nothing of this service take its tables: `tables.py BASE_URL PLAN TOKEN FOLDER`.

The Data Package, the CSVW metadata and the tables that they describe are fetched into FOLDER, where Frictionless and csvw from
PyPI validate every cell by them.
"""

import json
import pathlib
import sys
import urllib.request

from csvw import TableGroup
from frictionless import Package, validate

base, plan, token, folder = sys.argv[1:5]
folder = pathlib.Path(folder)
folder.mkdir(parents=True, exist_ok=True)


def fetch(name):
    address = f"{base}/v1/plans/{plan}/{name}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        (folder / name).write_bytes(answer.read())
    return folder / name


package = json.loads(fetch("datapackage.json").read_text())
for resource in package["resources"]:
    fetch(resource["path"])
report = validate(str(folder / "datapackage.json"))
if not report.valid:
    print(report.flatten(["type", "rowNumber", "fieldName", "note"]))
    sys.exit("Frictionless finds the Data Package wrong")
read = {resource.name: len(resource.read_rows()) for resource in Package(str(folder / "datapackage.json")).resources}
print("Frictionless:", read)

metadata = fetch("csvw-metadata.json")
group = TableGroup.from_file(metadata)
read = {table.local_name: sum(1 for _ in table.iterdicts(strict=True)) for table in group.tables}
group.check_referential_integrity(strict=True)
print("csvw:", read)
if any(rows == 0 for rows in read.values()):
    sys.exit("a table is empty")
