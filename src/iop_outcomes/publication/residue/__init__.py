"""Every file of a release, searched for a number that was not released.

What is found: any number in a text, a name, an attribute, a comment, a property, a hidden sheet, a notebook's output or a
letter drawn as a shape that is not a released number as it is printed, nor part of words that are the same for all records.

What is not: a number that happens to be a released one (small counts and whole percents are; with the document each block
is held to its own rows, which leaves fewer), one written in words, one split over two cells, and what a picture shows in
its points or a drawing in the places of its marks. Those are drawn from published rows only.
"""

from iop_outcomes.publication.residue.scan import Residue, scan_file, scan_folder

__all__ = ["Residue", "scan_file", "scan_folder"]
