import numpy as np
import pytest

from vitrax.cli._comparison import FLIP, GIVEN, HAND, Comparison, correlation


RNG = np.random.default_rng(0)


def comparison(same=(), count=30, **means) -> Comparison:
    names = {"given": GIVEN, "hand": HAND, "flip": FLIP}
    found = {names[k]: RNG.normal(mean, 0.02, count) for k, mean in means.items()}
    images = np.zeros((2, 4, 4))
    return Comparison(found, same, images, images, 12.0)


def test_clear_winner_is_named():
    assert comparison(given=0.3, hand=0.1).winner() == GIVEN
    assert comparison(given=0.3, hand=0.1).verdict().startswith("Yes")
    other = comparison(given=0.1, hand=0.3)
    assert other.winner() == HAND
    assert "mirror the map" in other.verdict()


def test_near_ones_cannot_be_told_apart():
    close = comparison(given=0.2, hand=0.2, flip=0.0)
    assert close.winner() is None
    assert "can't be told" in close.verdict()


def test_convention_that_changes_nothing_is_left_out():
    found = comparison(same=(HAND,), given=0.3, hand=0.3, flip=0.1)
    assert found.winner() == GIVEN
    assert "same images" in found.rows()[1][0]


def test_negative_correlation_is_inverted_contrast():
    assert "inverted" in comparison(given=-0.4, hand=0.1).verdict()


@pytest.mark.parametrize(
    ("means", "answer"),
    [
        ({"given": 0.4, "hand": 0.1}, "Yes"),
        ({"given": 0.1, "hand": 0.4}, "No"),
        ({"given": -0.4, "hand": 0.1}, "The contrast is inverted"),
        ({"given": 0.4, "hand": 0.4}, "It can't be told"),
    ],
)
def test_verdict_says_how_many_and_whether_they_are_enough(means, answer):
    few, many = (comparison(count=n, **means).verdict() for n in (9, 10))
    assert few.startswith(answer)
    assert "over 9 images" in few
    assert "9 images are too few" in few
    assert many.startswith(answer)
    assert "too few" not in many


def test_correlation_is_pearsons_within_the_mask():
    a, b = RNG.normal(size=(2, 3, 8, 8))
    mask = RNG.random((8, 8)) > 0.4
    expected = [np.corrcoef(x[mask], y[mask])[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(correlation(a, b, mask), expected)
    assert correlation(a, 5 * a + 3, mask) == pytest.approx(np.ones(3))
