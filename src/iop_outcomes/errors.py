"""Faults a user can mend, each with one message that says what to do and never shows a record's value."""

from __future__ import annotations


class IopError(Exception):
    """Base of every error raised on purpose; the command line prints its message without a traceback."""


class RecordsError(IopError):
    """The files cannot be used as they are; ``faults`` lists every reason found, not only the first."""

    def __init__(self, faults: list[str]) -> None:
        """Join the faults into one message."""
        self.faults = list(faults)
        head = "The records cannot be read:" if len(faults) > 1 else "The records cannot be read."
        super().__init__("\n".join([head, *(f"  - {fault}" for fault in faults)]))


class UsageError(IopError):
    """An argument, setting or option is not one this function takes."""


class DisclosureError(IopError):
    """Something would leave that may not."""
