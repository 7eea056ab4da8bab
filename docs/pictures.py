"""Hooks of MkDocs for the pictures of docs/editors.md, which `make screenshots` takes and Git does not keep."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

SCREENSHOTS = Path(__file__).resolve().parent.parent / ".artifacts" / "screenshots"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pictures that were taken here."""
    for path in sorted(SCREENSHOTS.glob("*.png")):
        files.append(File.generated(config, f"screenshots/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Describe in words each picture that was not taken here."""

    def picture(link: re.Match[str]) -> str:
        description, path = link.groups()
        return link[0] if files.get_file_from_path(path) else f"*Picture: {description}*"

    return re.sub(r"!\[([^\]]+)\]\((screenshots/[\w-]+\.png)\)", picture, markdown)
