import sys

import pytest

from vitrax import plot
from vitrax.plot._canvas import as_data_uri, canvas, marker_area


def test_figure_is_a_png_in_the_page():
    with canvas(1, 1, (2, 2)) as (figure, axes):
        axes.plot([0, 1])
        assert as_data_uri(figure).startswith("data:image/png;base64,iVBOR")


def test_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"vitrax\[view\]"), canvas():
        pass


def test_style_stays_inside():
    import matplotlib

    before = matplotlib.rcParams["font.size"]
    with canvas():
        assert matplotlib.rcParams["font.size"] != before
    assert matplotlib.rcParams["font.size"] == before


def test_can_draw_here():
    assert plot.can_draw()


def test_few_points_are_drawn_larger():
    areas = [marker_area(count, least=2.0) for count in (0, 1, 100, 1000, 100_000)]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] == areas[1] <= 45
    assert areas[-1] == 2.0
