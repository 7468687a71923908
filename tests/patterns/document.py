"""docs/patterns.md quotes each program of this folder once and to the letter; with LARDER_WRITE_DOCUMENTS=1 that is made so.

A quotation is a block of code right below a link to the program: [cache_aside.py](../tests/patterns/cache_aside.py).
"""

import os
import pathlib
import re
import sys

here = pathlib.Path(__file__).parent
document = here.parent.parent / "docs" / "patterns.md"
QUOTATION = re.compile(r"^(\[(\w+\.py)\]\(\.\./tests/patterns/\2\):?\n\n```python\n)(.*?)(^```$)", re.M | re.S)

programs = {path.name: path.read_text("utf-8") for path in here.glob("*.py")}
programs = {name: text for name, text in programs.items() if not re.match("check_|neighbours|document", name)}
text = document.read_text("utf-8")
if os.environ.get("LARDER_WRITE_DOCUMENTS"):
    text = QUOTATION.sub(lambda found: found[1] + programs[found[2]] + found[4], text)
    document.write_text(text, "utf-8")
quoted = [(found[2], found[3]) for found in QUOTATION.finditer(text)]
wrong = [f"{name} is not quoted as it is" for name, body in quoted if programs.get(name) != body]
wrong += [f"{name} is quoted {count} times" for name in programs if (count := [name for name, _ in quoted].count(name)) != 1]
if text.count("```python") != len(quoted):
    wrong.append("there is code that is no program's")
if wrong:
    sys.exit("FAILED: docs/patterns.md: " + "; ".join(wrong) + " (LARDER_WRITE_DOCUMENTS=1 quotes them anew)")
