"""Writes docs/errors.md from the table of messages: `python docs/write_errors.py`."""

from __future__ import annotations

from pathlib import Path

from trainwright.errors import _CLASSES, MESSAGES, class_of


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Every message",
        "",
        "A problem that a person can mend is one message: its code, what is wrong, where, and how to mend it. The exit code",
        "is 2, or 3 for E50x. Codes are stable. In Python they are exceptions, all of them `trainwright.TrainwrightError`.",
    ]
    for digits, kind in _CLASSES.items():
        meaning = (kind.__doc__ or "").partition(": ")[2].rstrip(".")
        lines += ["", f"## E{digits:x<3}: {meaning}", "", "| code | what | how to mend it |", "|---|---|---|"]
        fitting = (code for code in sorted(MESSAGES) if code[1:].startswith(digits) and class_of(code) is kind)
        known = [(code, MESSAGES[code]) for code in fitting]
        lines += [f"| {code} | {message.what} | {message.mend} |" for code, message in known]
    return "\n".join(lines).replace(":word}", "}") + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "errors.md").write_text(page(), encoding="utf-8")
