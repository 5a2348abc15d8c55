import pytest

from core.training import PAPER, Recipe


@pytest.mark.parametrize(
    ("epoch", "rate"), [(1, 1e-3), (2, 1e-4), (299, 1e-4), (300, 1e-5), (500, 1e-5)]
)
def test_learning_rate_is_the_papers(epoch, rate):
    assert PAPER.learning_rate(epoch) == rate


@pytest.mark.parametrize(
    ("epoch", "accuracy", "stops"),
    [
        (49, 1.0, False),
        (50, 0.99, True),
        (50, 0.9899, False),
        (499, 0.5, False),
        (500, 0.5, True),
        (0, 0.0, False),
    ],
)
def test_training_stops_as_in_the_paper(epoch, accuracy, stops):
    assert PAPER.stops(epoch, accuracy) is stops


def test_accuracy_is_looked_at_whenever_training_could_stop():
    for recipe in (PAPER, Recipe(min_epochs=5, max_epochs=3)):
        for epoch in range(1, 501):
            assert recipe.may_stop(epoch) or not recipe.stops(epoch, 1.0)


@pytest.mark.parametrize(
    ("images", "sizes"),
    [
        (1, [1]),
        (100, [100]),
        (200, [200]),
        (201, [201]),
        (202, [200, 2]),
        (401, [200, 201]),
        (1000, [200] * 5),
    ],
)
def test_batches_cover_the_set_and_none_has_one_image(images, sizes):
    batches = PAPER.batches(images)
    assert [batch.stop - batch.start for batch in batches] == sizes
    assert [i for batch in batches for i in range(images)[batch]] == list(range(images))
