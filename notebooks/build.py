"""Execute the notebooks: from ``NN_name.py`` (jupytext percent) to ``NN_name.ipynb`` beside it.

``python notebooks/build.py`` builds all of them, ``python notebooks/build.py 02 12`` those whose names begin so. The same
source and the same data give the same bytes: cell ids come from the notebook's name and the cell's place, nothing says
when it ran, and a path of the machine in an output is an error. Warnings inside a notebook are errors.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent

#: Notebooks whose data are not part of the project: environment variable, and where the folder is looked for without it.
NEEDS: dict[str, tuple[str, str]] = {"12_real_trial_data": ("IOP_CTN0094", "../../shared/data/ctn0094")}

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: Run first and taken out again; the kernel's own modules may warn.
_STRICT = """import warnings
warnings.simplefilter("error")
warnings.filterwarnings("default", module="ipykernel|jupyter_client|zmq|tornado|asyncio|IPython")"""


def list_sources() -> list[Path]:
    """The sources of all notebooks, in order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.py"))


def has_data(source: Path) -> bool:
    """Whether the data a notebook needs are on this machine."""
    if source.stem not in NEEDS:
        return True
    variable, beside = NEEDS[source.stem]
    return (FOLDER / os.environ.get(variable, beside)).is_dir()


def read_source(source: Path) -> NotebookNode:
    """The notebook of a source, not executed: fixed ids, no metadata but the kernel's, a last line that leads on."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells.append(nbformat.v4.new_markdown_cell(lead_on(source)))
    for place, cell in enumerate(notebook.cells, start=1):
        cell.id = f"{source.stem.replace('_', '-')}-{place:02d}"
        cell.metadata = NotebookNode()
    return notebook


def name_notebook(source: Path) -> str:
    """The number and title of a notebook: ``1 · First look``."""
    heading = re.search(r"^# # (.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)
    if heading is None:
        raise ValueError(f"{source.name} has no title")
    return f"{int(source.name[:2])} · {heading.group(1)}"


def lead_on(source: Path) -> str:
    """The last line of a notebook: links to the one before, the page of all, and the one after."""
    sources = list_sources()
    place = sources.index(source)
    before = [f"[← {name_notebook(found)}]({found.stem}.ipynb)" for found in sources[:place][-1:]]
    after = [f"[{name_notebook(found)} →]({found.stem}.ipynb)" for found in sources[place + 1 :][:1]]
    return " | ".join([*before, "[All notebooks](README.md)", *after])


def execute(source: Path, timeout: int = 300) -> NotebookNode:
    """Run a source in a fresh kernel, in the folder of the notebooks, with warnings as errors."""
    notebook = read_source(source)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_STRICT))
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
        extra_arguments=["--HistoryManager.enabled=False", "--log-level=ERROR"],
    )
    client.execute()
    notebook.cells.pop(0)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        cell.metadata = NotebookNode()
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    notebook.metadata = nbformat.from_dict(_METADATA)
    return notebook


def write_text(notebook: NotebookNode) -> str:
    """The bytes of a notebook as text; ``ValueError`` when an output names a place on this machine."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, version=4, indent=1, sort_keys=True) + "\n"
    for place in (FOLDER.parent, Path.home(), Path(sys.prefix)):
        if re.search(rf"{re.escape(str(place))}(?![\w-])", text) and len(place.parts) > 1:
            raise ValueError("an output names a folder of this machine")
    return text


def build(source: Path) -> Path:
    """Execute one notebook and write it beside its source."""
    target = source.with_suffix(".ipynb")
    target.write_text(write_text(execute(source)), encoding="utf-8", newline="\n")
    return target


def main(wanted: list[str]) -> None:
    """Build the notebooks whose names begin with one of ``wanted`` (all when there is none)."""
    for source in list_sources():
        if wanted and not source.name.startswith(tuple(wanted)):
            continue
        if has_data(source):
            print(f"{build(source).name} built")
        else:
            print(f"{source.stem} left as it is: its data are not here (docs/ctn0094.md says how to get them)")


if __name__ == "__main__":
    main(sys.argv[1:])
