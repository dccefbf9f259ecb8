"""The command `vitrax`."""

from ._app import main as main
