"""Fail when a built page would ask anything from outside: ``python docs/_offline.py FOLDER``."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

FETCHED = dict.fromkeys(["iframe", "img", "script", "source", "video"], "src") | {"link": "href"}
KEPT = {"canonical", "author", "license"}  # relations that name a page and fetch nothing
OUTSIDE = re.compile(r"^(https?:)?//")
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")\s;]+)""")


class Page(HTMLParser):
    """Collect the outside addresses that a browser would fetch to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        address = given.get(FETCHED.get(tag, ""), "")
        if OUTSIDE.match(address) and not KEPT & set(given.get("rel", "").split()):
            self.outside.append(address)


def outside(path: Path) -> list[str]:
    """List what a page or a style sheet would fetch from outside."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return IN_STYLE.findall(text)
    page = Page()
    page.feed(text)
    return page.outside + IN_STYLE.findall(text)


def main(folder: Path) -> int:
    """Look at every page and style sheet of a build."""
    pages = sorted([*folder.rglob("*.html"), *folder.rglob("*.css")])
    found = [
        f"{path.relative_to(folder)}: {address}" for path in pages for address in outside(path)
    ]
    print("\n".join(found) or f"{len(pages)} pages and style sheets fetch nothing from outside")
    return int(bool(found) or not pages)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
