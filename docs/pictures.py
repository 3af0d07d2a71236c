"""Write the pictures of the documentation from what is committed: figures of the executed notebooks, and page 1 of the report.

``python docs/pictures.py`` writes ``docs/images``. Figures are laid out by typst, so that the same notebook gives the same
bytes anywhere; page 1 of the report is opened in Chromium and left as it is where there is none.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import typst
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
WIDTH, PPI = 800, 108.0

#: Which figure of a notebook stands for it, counted from 0; the first unless it is named here.
CHOSEN = {"04_sobriety_milestones": 1, "12_real_trial_data": 2}
#: Further pictures: name, notebook, which figure.
MORE = {"control-chart": ("03_hours_and_attendance", 2), "funnel": ("06_sites_and_quarters", 2)}


def find_figures(notebook: Path) -> list[tuple[str, str]]:
    """The figures of an executed notebook in order: SVG, and what it shows in words."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    shown = [output["data"] for cell in cells for output in cell.get("outputs", []) if "data" in output]
    return [
        ("".join(data["image/svg+xml"]), " ".join("".join(data["text/plain"]).split()))
        for data in shown
        if "image/svg+xml" in data
    ]


def draw_picture(svg: str) -> bytes:
    """A figure as a small PNG on white; the same bytes for the same figure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "figure.svg").write_text(svg, encoding="utf-8")
        page = Path(folder) / "page.typ"
        page.write_text(f'#set page(width: {WIDTH}pt, height: auto, margin: 8pt)\n#image("figure.svg", width: 100%)\n')
        drawn = typst.compile(page, format="png", ppi=PPI)
    return shrink(drawn)


def shrink(drawn: bytes) -> bytes:
    """A picture in 32 colours, which is enough for lines and bands."""
    picture = Image.open(io.BytesIO(drawn)).convert("RGB").quantize(32, dither=Image.Dither.NONE)
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def list_pictures() -> dict[str, tuple[Path, int]]:
    """Name of each picture, the notebook it is from, and which of its figures it is."""
    notebooks = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    pictures = {f"notebook-{path.stem[:2]}": (path, CHOSEN.get(path.stem, 0)) for path in notebooks}
    return pictures | {name: (ROOT / "notebooks" / f"{stem}.ipynb", place) for name, (stem, place) in MORE.items()}


def photograph_report(target: Path) -> None:
    """Page 1 of the sample's public report as a browser shows it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return
    report = next((ROOT / "reports").glob("quarterly-*-public.html"))
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--no-first-run"]
        size = ["--window-size=1000,1420", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        subprocess.run(
            [chromium, *flags, *size, f"--screenshot={shot}", report.as_uri()], check=True, capture_output=True
        )
        target.write_bytes(shrink(shot.read_bytes()))


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    for name, (notebook, place) in list_pictures().items():
        (IMAGES / f"{name}.png").write_bytes(draw_picture(find_figures(notebook)[place][0]))
    photograph_report(IMAGES / "report-page-1.png")


if __name__ == "__main__":
    main()
