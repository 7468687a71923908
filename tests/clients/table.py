"""The README's table of clients: what a run of the checks has printed, and nothing else.

    table.py README LINES [all]

LINES has the checks' lines ("go<TAB>NAME VERSION, NAME VERSION: what was checked"). Each must be a row of the table as it stands;
with `all`, and no other row may be there. With LARDER_WRITE_DOCUMENTS=1 and `all` the table is written instead.

The versions of what lock files pin are compared to the letter. Debian's are cut to the first two numbers: a security update there
is none of ours.
"""

import os
import re
import sys

BEGIN, END = "<!-- clients:begin -->", "<!-- clients:end -->"
HEAD = ["| from | client or framework, as tested | what the run does with it |", "|---|---|---|"]
GROUPS = {"node": "npm", "python": "PyPI", "go": "Go", "java": "Maven", "dotnet": "NuGet", "rust": "crates.io", "debian": "Debian"}


def row(line):
    group, told = line.split("\t")
    versions, what = told.split(": ", 1)
    if group == "debian":
        versions = re.sub(r"\b(\d+\.\d+)\.[\w.+~-]+", r"\1", versions)
    return f"| {GROUPS[group]} | {versions} | {what.replace('|', '/')} |"


def main(readme, lines, everything):
    text = open(readme, encoding="utf-8").read()
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    printed = [row(line) for line in open(lines, encoding="utf-8").read().splitlines() if not line.startswith("patterns\t")]
    if everything and os.environ.get("LARDER_WRITE_DOCUMENTS"):
        table = "\n".join(["", *HEAD, *printed, ""])
        open(readme, "w", encoding="utf-8").write(before + BEGIN + table + END + after)
    there = table.strip().splitlines()[len(HEAD) :]
    wrong = [f"not in the table: {line}" for line in printed if line not in there]
    if everything:
        wrong += [f"not what was tested: {line}" for line in there if line not in printed]
    if wrong:
        sys.exit("FAILED: the README's table of clients\n" + "\n".join(wrong) + "\n(LARDER_WRITE_DOCUMENTS=1 tests/clients/run.sh writes it)")


main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["all"])
