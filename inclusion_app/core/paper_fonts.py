"""The fonts of the papers: the few we chose, and all the system has for a name in a script we did not choose.

Choosing few keeps a paper the same on every machine and the first start short. Pure files: no WeasyPrint here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

REQUIRED = ("NotoSans", "NotoNastaliqUrdu", "NotoNaskhArabic")
FAMILIES = (*REQUIRED, "NotoSansArabic", "NotoSansBengali", "NotoSansGurmukhi")
WEIGHTS = ("Regular", "Bold")
SYSTEM = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
# Fonts made at set-up, such as the Chinese ones cut to the letters we use, are put here.
ADDED = "fonts"
CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{dirs}
  <cachedir>{cache}</cachedir>
  <config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


def prepare_fonts(instance: Path, system: Sequence[Path] = SYSTEM) -> list[str]:
    """Write the two fontconfig files of an instance; returns the names of needed fonts that are not there.

    `paper/chosen.conf` sees only links to the chosen fonts, `paper/all.conf` whatever the system has. Both keep
    their cache in the instance folder, which is the only place surely writable.
    """
    home = instance / "paper"
    links, cache = home / "fonts", home / "cache"
    for folder in (links, cache):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = _find((f"{family}-{weight}.ttf" for family in FAMILIES for weight in WEIGHTS), system)
    for old in links.iterdir():
        old.unlink()
    for name, path in found.items():
        (links / name).symlink_to(path)
    chosen = [links, *([instance / ADDED] if (instance / ADDED).is_dir() else [])]
    _write_conf(conf_of(instance), chosen, cache)
    _write_conf(conf_of(instance, everything=True), [*chosen, *system], cache)
    return [
        f"{family}-{weight}"
        for family in REQUIRED
        for weight in WEIGHTS
        if f"{family}-{weight}.ttf" not in found
    ]


def conf_of(instance: Path, *, everything: bool = False) -> Path:
    """Where the fontconfig file of the chosen fonts, or of all, stands."""
    return instance / "paper" / ("all.conf" if everything else "chosen.conf")


def chosen_files(instance: Path) -> list[Path]:
    """The chosen font files of an instance, sorted by name."""
    folders = (instance / "paper" / "fonts", instance / ADDED)
    return sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir())


def _find(names: Iterable[str], system: Sequence[Path]) -> dict[str, Path]:
    wanted = set(names)
    found: dict[str, Path] = {}
    for top in system:
        for folder, _folders, files in os.walk(top):
            for name in wanted.intersection(files):
                found.setdefault(name, Path(folder, name))
    return found


def _write_conf(path: Path, folders: Iterable[Path], cache: Path) -> None:
    dirs = "\n".join(f"  <dir>{_xml(folder)}</dir>" for folder in folders)
    path.write_text(CONF.format(dirs=dirs, cache=_xml(cache)), encoding="utf-8")


def _xml(path: Path) -> str:
    return str(path).replace("&", "&amp;").replace("<", "&lt;")
