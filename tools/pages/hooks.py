"""What mkdocs does beside rendering `docs`: whole folders in the navigation, pages from elsewhere, `llms.txt`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

Nav: TypeAlias = "list[str | dict[str, str | Nav]]"

ROOT = Path(__file__).parents[2]
_HEAD = """# DataCoolie

> Moves data as one metadata document says: the same rows on Polars and Spark, each row once, one atomic commit a load.

Each page is also there as Markdown; these are the addresses.
"""


def on_config(config: MkDocsConfig) -> None:
    """Put the pages of a folder, but for those that are named, in the place of the folder's name."""
    nav: Nav = config.nav or []
    named = set(_named(nav))
    folder = Path(config.docs_dir)
    pages = [*(path.relative_to(folder).as_posix() for path in folder.rglob("*.md")), *_elsewhere()]
    config.nav = _expanded(nav, sorted(set(pages) - named))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that lie beside what they are about."""
    for name, path in _elsewhere().items():
        files.append(File.generated(config, name, abs_src_path=str(path)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs' signature
    """Let links to files that are pages of the site from elsewhere lead to these."""
    for name, path in _elsewhere().items():
        above = "../" * page.file.src_uri.count("/")
        markdown = markdown.replace(f"]({above}../{path.relative_to(ROOT).as_posix()}", f"]({above}{name}")
    return markdown


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> None:  # noqa: ARG001 - mkdocs' signature
    """Write `llms.txt`, and the Markdown that it leads to."""
    site = Path(config.site_dir)
    lines, section = [_HEAD], ""
    for page in _in_order(files):
        text, target = page.markdown or "", site / page.file.src_uri
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        above = next((str(ancestor.title) for ancestor in page.ancestors), "")
        if above != section:
            lines.append(f"\n## {above}\n")
            section = above
        about = _first_sentence(text)
        lines.append(f"- [{page.title}]({page.file.src_uri}){': ' if about else ''}{about}")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _in_order(files: Files) -> Iterator[Page]:
    """Yield the pages as the navigation has them."""
    pages = [file.page for file in files.documentation_pages() if file.page]
    page = next((page for page in pages if page.previous_page is None), None)
    while page is not None:
        yield page
        page = page.next_page


def _elsewhere() -> Mapping[str, Path]:
    """Return pages that are not in `docs`, by their name in the site."""
    packages = {f"packages/{path.parent.name}.md": path for path in sorted(ROOT.glob("packages/*/README.md"))}
    return {"security.md": ROOT / "SECURITY.md", **packages}


def _named(nav: Nav) -> Iterator[str]:
    for item in nav:
        for target in item.values() if isinstance(item, dict) else (item,):
            yield from (target,) if isinstance(target, str) else _named(target)


def _expanded(nav: Nav, pages: list[str]) -> Nav:
    """Return the navigation with the names of folders, which end in `/`, replaced by their pages among `pages`."""
    found: Nav = []
    for item in nav:
        if isinstance(item, dict):
            found.append({title: _expanded(at, pages) if isinstance(at, list) else at for title, at in item.items()})
        elif item.endswith("/"):
            found.extend(page for page in pages if page.rpartition("/")[0] == item.rstrip("/"))
        else:
            found.append(item)
    return found


def _first_sentence(markdown: str) -> str:
    """Return the first sentence below the heading, without links and marks."""
    body = re.sub(r"^# .*\n+(\d{4}-\d\d-\d\d.*\n)?", "", markdown, count=1)
    paragraphs = (part for part in re.split(r"\n\s*\n", body.strip()) if part[:1].isalnum() or part[:1] in "`*[")
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(next(paragraphs, "").split()))
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].replace("**", "")
