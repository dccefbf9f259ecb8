"""Start of the command `vitrax`, and `python -m vitrax`.

Nothing heavy is imported here, so that Ctrl-C is heeded while the rest is loaded.
"""

import sys


_INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code, also where Ctrl-C comes early.

    `vitrax.cli.main` answers Ctrl-C once it is loaded.
    """
    try:
        from .cli import main as run

        return run()
    except KeyboardInterrupt:
        print(
            "vitrax: cannot go on because of Ctrl-C; do run the command again, nothing "
            "was left",
            file=sys.stderr,
        )
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
