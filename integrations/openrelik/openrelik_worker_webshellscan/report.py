"""The task's report, which the server shows as Markdown."""

import json
from pathlib import Path

from openrelik_worker_common.reporting import Priority, Report

# MAX_REPORT is how many characters of Markdown a result carries. Results go through
# Redis.
MAX_REPORT = 200_000

_PRIORITIES = {
    "informational": Priority.INFO,
    "low": Priority.LOW,
    "medium": Priority.MEDIUM,
    "high": Priority.HIGH,
    "critical": Priority.CRITICAL,
}


def of_scan(markdown: Path, lines: Path, said: str, incomplete: bool) -> dict:
    """Returns the report of a scan: its own Markdown, and the priority of what is
    gravest in its JSON Lines."""
    text = markdown.read_text()
    title, _, rest = text.removeprefix("# ").partition("\n")
    return _report(title, rest, _priority(lines), said, incomplete)


def of_collect(title: str, said: str, incomplete: bool) -> dict:
    """Returns the report of what was collected."""
    return _report(title, "", Priority.INFO, said, incomplete)


def _report(title: str, text: str, priority: Priority, said: str, incomplete: bool) -> dict:
    report = Report(title)
    report.priority = priority
    report.summary = title
    section = report.add_section()
    if incomplete:
        report.summary += "; INCOMPLETE: not all could be read"
        section.add_paragraph("**Incomplete**: not all could be read.")
    if text.strip():
        section.add_paragraph(_cut(text))
    if said:
        section.add_header("What the program said")
        section.content.append(_block(said))
    return report.to_dict()


def _priority(lines: Path) -> Priority:
    """Returns the priority of the gravest session, finding or act upon the logs."""
    highest = Priority.INFO
    with open(lines) as objects:
        for line in objects:
            told = json.loads(line)
            if told["kind"] in ("session", "finding"):
                highest = max(highest, _PRIORITIES.get(told["level"], Priority.INFO))
            elif told["kind"] == "integrity" and told["level"] == "alarm":
                highest = max(highest, Priority.HIGH)
    return highest


def _cut(text: str) -> str:
    if len(text) <= MAX_REPORT:
        return text
    whole = text[: text.rindex("\n", 0, MAX_REPORT)]
    return f"{whole}\n\nThe rest is in the HTML report."


def _block(text: str) -> str:
    """Returns a text as an indented block of code, which no text can end."""
    return "\n" + "\n".join("    " + line for line in text.splitlines()) + "\n"
