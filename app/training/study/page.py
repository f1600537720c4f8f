"""The page that tells of the study: its marked sections are filled from the record, so that they cannot differ."""

import re
from collections.abc import Mapping
from pathlib import Path

from app.core.errors import TrainingError
from app.training.files import write_file
from app.training.study.figures import draw_figures
from app.training.study.record import StudyRecord, write_record
from app.training.study.tables import sections

PAGE, RECORD, IMAGES = "study.md", "study.json", "images"
SECTION = re.compile(r"(<!-- study: (?P<name>[a-z0-9-]+) -->\n).*?(<!-- /study -->)", re.DOTALL)


def render(record: StudyRecord, folder: Path) -> list[Path]:
    """Writes the record and its pictures into a folder, and fills the sections of its `study.md`, where there is one.

    Returns:
        The files written.

    Raises:
        TrainingError: no matplotlib, a section that the record knows nothing of, or a file that cannot be written.
    """
    contents = {folder / IMAGES / name: picture for name, picture in draw_figures(record).items()}
    page = folder / PAGE
    if page.is_file():
        contents[page] = filled(page.read_text("utf-8"), sections(record)).encode()
    try:
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder}: {error.strerror or error}") from error
    for path, content in contents.items():
        write_file(path, content)
    write_record(record, folder / RECORD)
    return [*contents, folder / RECORD]


def filled(page: str, texts: Mapping[str, str]) -> str:
    """The page with new text between `<!-- study: NAME -->` and `<!-- /study -->`.

    Raises:
        TrainingError: a section of unknown name.
    """

    def text(match: re.Match[str]) -> str:
        if match["name"] not in texts:
            raise TrainingError(f"study.md: no section {match['name']!r}; known: {', '.join(texts)}")
        return f"{match[1]}{texts[match['name']]}\n{match[3]}"

    return SECTION.sub(text, page)
