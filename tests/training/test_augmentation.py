"""Augmentation: exact cases of the reading, the statistics of what is drawn, and that nothing else is touched."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.nn import Array
from hippo.training.augmentation import TILE, Augmentation, Warp, bumps
from hippo.training.batches import minibatches
from hippo.training.config import AUGMENTATIONS

NONE: dict[str, float] = {"shift": 0, "rotation": 0, "scale": 0, "shear": 0, "displacement": 0}
#: The coefficients that leave a picture as it is.
IDENTITY = np.array([[0, 1, 0], [0, 0, 1]], np.float32)
KINDS = [kinds for count in range(4) for kinds in itertools.combinations(AUGMENTATIONS, count)]


def noise(count: int, seed: int = 0) -> Array:
    """Pictures (count, 784) of which no pixel is like another."""
    return np.random.default_rng(seed).random((count, 784), dtype=np.float32)


def blots(count: int) -> Array:
    """Pictures (count, 784) of a soft round blot in the middle, far from the edges."""
    rows, columns = np.indices((28, 28)) - 13.5
    blot = np.exp(-(rows**2 + columns**2) / 18).astype(np.float32)
    return np.repeat(blot.reshape(1, 784), count, axis=0)


def augmented(
    images: Array, kinds: tuple[str, ...] = AUGMENTATIONS, seed: int = 1, strengths: dict[str, float] | None = None
) -> Array:
    """A copy of `images` after one call of a new augmentation."""
    images = images.copy()
    Augmentation(kinds, **(strengths or {}))(images, np.random.default_rng(seed))
    return images


def drawn(augmentation: Augmentation, tiles: int) -> Array:
    """The coefficients (tiles·TILE, 2, ...) of the transformations that an augmentation draws one after another."""
    rng = np.random.default_rng(3)
    return np.concatenate([augmentation.draw(TILE, rng).copy() for _ in range(tiles)])


def warped(images: Array, rows: list[float], columns: list[float]) -> NDArray[np.float32]:
    """`images` as (N, 28, 28), read where the coefficients (constant, row, column) say."""
    images = images.copy()
    Warp(np.empty((0, 784), np.float32))(images, np.array([[rows, columns]] * len(images), np.float32))
    return images.reshape(-1, 28, 28)


# ---- Reading at other places: cases that are known exactly


def test_the_places_of_the_pixels_themselves_change_nothing() -> None:
    images = noise(TILE)
    np.testing.assert_array_equal(warped(images, [0, 1, 0], [0, 0, 1]).reshape(-1, 784), images)


@pytest.mark.parametrize(("down", "right"), [(0, 1), (1, 0), (-3, 2), (27, -27), (28, 0), (0, -28), (1000, 0)])
def test_a_shift_by_whole_pixels_rolls_the_picture_and_lets_paper_come_in(down: int, right: int) -> None:
    images = noise(3)
    wide = np.pad(images.reshape(-1, 28, 28), ((0, 0), (28, 28), (28, 28)))
    rolled = np.roll(wide, (np.clip(down, -28, 28), np.clip(right, -28, 28)), axis=(1, 2))[:, 28:56, 28:56]
    np.testing.assert_array_equal(warped(images, [-down, 1, 0], [-right, 0, 1]), rolled)


def test_a_shift_by_half_a_pixel_is_the_mean_of_two_neighbours() -> None:
    images = noise(3)
    wide = np.pad(images.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    down = (wide[:, :-2, 1:-1] + wide[:, 1:-1, 1:-1]) / 2
    right = (wide[:, 1:-1, :-2] + wide[:, 1:-1, 1:-1]) / 2
    np.testing.assert_allclose(warped(images, [-0.5, 1, 0], [0, 0, 1]), down, atol=1e-6)
    np.testing.assert_allclose(warped(images, [0, 1, 0], [-0.5, 0, 1]), right, atol=1e-6)


def test_a_shift_by_a_part_of_a_pixel_weighs_all_four_neighbours() -> None:
    images = np.zeros((1, 784), np.float32)
    images[0, 10 * 28 + 10] = 1
    picture = warped(images, [-0.25, 1, 0], [-0.125, 0, 1])[0]
    np.testing.assert_array_equal(picture[10:12, 10:12], [[0.75 * 0.875, 0.75 * 0.125], [0.25 * 0.875, 0.25 * 0.125]])
    assert picture.sum() == 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turn_by_right_angles_is_rot90(quarters: int) -> None:
    images = noise(3)
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters]
    turned = warped(images, [0, cosine, sine], [0, -sine, cosine])
    # The pixel in row r, column c shows what stood in row c, column -r: np.rot90's turn, against the clock.
    np.testing.assert_array_equal(turned, np.rot90(images.reshape(-1, 28, 28), quarters, axes=(1, 2)))


def test_a_picture_reads_only_itself() -> None:
    images = np.zeros((TILE, 784), np.float32)
    images[::2] = 1
    for shift in (-1.5, 0.5, 40.0):
        assert not warped(images, [shift, 1, 0.3], [shift, 0.3, 1])[1::2].any()


def test_fields_displace_each_pixel_by_their_own_amount() -> None:
    field = np.zeros((1, 784), np.float32)
    field[0, 300:] = 1
    images = noise(2)
    expected = images.copy()
    expected[:, 300:756] = images[:, 328:]  # one row further down
    expected[:, 756:] = 0
    Warp(field)(images, np.array([[[0, 1, 0, 1], [0, 0, 1, 0]]] * 2, np.float32))
    np.testing.assert_array_equal(images, expected)


# ---- What is drawn


@pytest.mark.parametrize("kinds", KINDS)
def test_strengths_of_zero_change_nothing(kinds: tuple[str, ...]) -> None:
    images = noise(TILE + 3)
    np.testing.assert_array_equal(augmented(images, kinds, strengths=NONE), images)


@pytest.mark.parametrize("kinds", KINDS)
def test_values_stay_from_0_to_1(kinds: tuple[str, ...]) -> None:
    strong = {"shift": 9.0, "rotation": 180.0, "scale": 0.9, "shear": 2.0, "displacement": 6.0}
    images = noise(400)
    images[100:200] = 1
    images[200:300] = images[200:300] > 0.5
    images[300:] *= np.float32(1e-30)
    for strengths in (None, strong):
        result = augmented(images, kinds, strengths=strengths)
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
        assert np.array_equal(result, images) == (not kinds)


@pytest.mark.parametrize("kinds", KINDS[1:])
def test_every_picture_gets_a_transformation_of_its_own(kinds: tuple[str, ...]) -> None:
    images = np.repeat(noise(1), 2 * TILE + 1, axis=0)
    assert len(np.unique(augmented(images, kinds), axis=0)) == len(images)


@pytest.mark.parametrize("kinds", KINDS[1:])
def test_the_same_seed_gives_the_same_pictures_in_any_order_of_the_kinds(kinds: tuple[str, ...]) -> None:
    images = noise(TILE + 1)
    result = augmented(images, kinds)
    for order in itertools.permutations(kinds):
        np.testing.assert_array_equal(augmented(images, order), result)
    assert not np.array_equal(augmented(images, kinds, seed=2), result)


def test_an_earlier_call_leaves_nothing_behind() -> None:
    augmentation = Augmentation(AUGMENTATIONS)
    augmentation(noise(TILE, seed=5), np.random.default_rng(5))
    images = noise(TILE - 7)
    expected = augmented(images)
    augmentation(images, np.random.default_rng(1))
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("portions", [[1] * 120, [TILE, 20, TILE], [7, 0, 113]])
@pytest.mark.parametrize("kinds", KINDS[1:])
def test_portions_get_what_all_at_once_get(kinds: tuple[str, ...], portions: list[int]) -> None:
    images = noise(120)
    expected = augmented(images, kinds)
    augmentation, rng = Augmentation(kinds), np.random.default_rng(1)
    for end, size in zip(itertools.accumulate(portions), portions, strict=True):
        augmentation(images[end - size : end], rng)
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_shifts_are_even_up_to_the_strength() -> None:
    coefficients = drawn(Augmentation(["shift"], shift=3.0), 100)
    shifts = coefficients[:, :, 0]
    assert 2.99 < shifts.max() <= 3
    assert -3 <= shifts.min() < -2.99
    assert np.abs(shifts.mean(axis=0)).max() < 0.1
    np.testing.assert_allclose(shifts.std(axis=0), 3 / np.sqrt(3), rtol=0.03)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.05
    np.testing.assert_array_equal(coefficients[:, :, 1:], np.broadcast_to(np.eye(2), (5000, 2, 2)))


def test_a_rotation_alone_is_a_rotation_up_to_the_strength() -> None:
    coefficients = drawn(Augmentation(["rotate"], rotation=30.0, scale=0, shear=0), 100)
    assert not coefficients[:, :, 0].any()
    matrix = coefficients[:, :, 1:].astype(float)
    np.testing.assert_allclose(matrix @ matrix.transpose(0, 2, 1), np.broadcast_to(np.eye(2), (5000, 2, 2)), atol=1e-6)
    angle = np.rad2deg(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    assert 29.9 < angle.max() < 30.001
    assert -30.001 < angle.min() < -29.9
    assert abs(angle.mean()) < 1


def test_scale_and_shear_stay_within_their_strengths() -> None:
    for name, places in {"scale": [(0, 1), (1, 2)], "shear": [(1, 1)]}.items():
        change = drawn(Augmentation(["rotate"], **(NONE | {name: 0.25})), 40)
        change -= IDENTITY
        for row, column in places:
            assert 0.248 < change[:, row, column].max() < 0.2501
            assert -0.2501 < change[:, row, column].min() < -0.248
            change[:, row, column] = 0
        assert not change.any()


def test_the_matrix_is_that_of_its_formula() -> None:
    augmentation = Augmentation(["rotate"], rotation=40, scale=0.3, shear=0.4)
    numbers = np.random.default_rng(8).random((4, 2, 3), dtype=np.float32) * 2 - 1
    coefficients = augmentation.draw(4, np.random.default_rng(8))
    for ((_, turn, high), (_, slant, wide)), matrix in zip(numbers, coefficients[:, :, 1:], strict=True):
        angle = np.deg2rad(40 * turn)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shear = np.array([[1, 0], [0.4 * slant, 1]])
        stretch = np.diag([1 + 0.3 * high, 1 + 0.3 * wide])
        np.testing.assert_allclose(matrix, rotation @ shear @ stretch, atol=1e-6)


@pytest.mark.parametrize("smoothness", [1.0, 2.5, 4.0, 5.0, 9.0])
def test_the_field_of_the_bumps_is_smoothed_white_noise(smoothness: float) -> None:
    bells = bumps(smoothness)
    covariance = bells.T @ bells
    np.testing.assert_allclose(np.diag(covariance), 1, atol=1e-5)
    rows, columns = np.divmod(np.arange(784), 28)
    squares = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
    np.testing.assert_allclose(covariance, np.exp(-squares / (4 * smoothness**2)), atol=0.02)


def test_the_displacement_has_its_standard_deviation_and_is_smooth() -> None:
    augmentation = Augmentation(["elastic"], displacement=1.5, smoothness=4.0)
    coefficients = drawn(augmentation, 40)
    np.testing.assert_array_equal(coefficients[:, :, :3], np.broadcast_to(IDENTITY, (2000, 2, 3)))
    field = (coefficients[:, :, 3:] @ augmentation.warp.basis[3:]).reshape(-1, 2, 28, 28)
    assert np.abs(field.mean(axis=0)).max() < 0.15
    np.testing.assert_allclose(field.std(axis=0), 1.5, rtol=0.08)
    assert abs(np.mean(field[:, 0] * field[:, 1])) < 0.05  # rows and columns are displaced independently
    for distance in (1, 4, 8, 16):
        along = np.mean(field[..., distance:] * field[..., :-distance]) / 1.5**2
        assert along == pytest.approx(np.exp(-(distance**2) / 64), abs=0.03)


@pytest.mark.parametrize("kinds", KINDS[1:])
def test_ink_is_kept_on_average(kinds: tuple[str, ...]) -> None:
    images = blots(2000)
    ink = augmented(images, kinds).sum(axis=1) / images.sum(axis=1)
    assert ink.mean() == pytest.approx(1, abs=0.05)  # 1 / (1 ± 0.1)² is a little above 1 on average
    assert ink.std() < 0.35


# ---- Its place in a program


def test_the_training_set_is_not_touched() -> None:
    for pixels in (noise(70), (noise(70) * 255).astype(np.uint8)):
        before = pixels.copy()
        augmentation, rng = Augmentation(AUGMENTATIONS), np.random.default_rng(0)
        for size in (10, 60, 70):
            for chunk in minibatches(pixels, np.zeros(70, np.uint8), size, rng):
                plain = chunk.inputs.copy()
                augmentation(chunk.inputs, rng)
                assert np.abs(chunk.inputs - plain).max(axis=1).min() > 0.1
        np.testing.assert_array_equal(pixels, before)


def test_rows_beside_those_given_are_not_touched() -> None:
    images = noise(9)
    before = images.copy()
    Augmentation(AUGMENTATIONS)(images[3:6], np.random.default_rng(0))
    changed = (images != before).any(axis=1)
    assert changed.tolist() == [False] * 3 + [True] * 3 + [False] * 3


def test_no_picture_takes_nothing_from_the_generator() -> None:
    rng = np.random.default_rng(0)
    Augmentation(AUGMENTATIONS)(np.empty((0, 784), np.float32), rng)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_time_is_added_up() -> None:
    augmentation, images = Augmentation(AUGMENTATIONS), noise(3)
    assert augmentation.seconds == 0
    augmentation(images, np.random.default_rng(0))
    first = augmentation.seconds
    augmentation(images, np.random.default_rng(0))
    assert 0 < first < augmentation.seconds < 60


def _growth(images: Array, augmentation: Augmentation) -> int:
    """By how many bytes the memory in use grows at most during calls, once everything is warm."""
    rng = np.random.default_rng(0)
    before = np.setbufsize(64)  # NumPy's own buffer would hide our arrays
    tracemalloc.start()
    try:
        for count in (len(images), 30, 1, len(images)):
            augmentation(images[:count], rng)
        start, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for count in range(0, len(images), 40):
            augmentation(images[:count], rng)
        return tracemalloc.get_traced_memory()[1] - start
    finally:
        tracemalloc.stop()
        np.setbufsize(before)


class _Fresh(Augmentation):
    """An augmentation that makes an array anew."""

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        return super().draw(count, rng).copy()


def test_a_warm_augmentation_allocates_next_to_nothing() -> None:
    images = noise(1000)
    # A few numbers for each picture of a tile. Other threads are traced as well, but do not come three times.
    assert min(_growth(images, Augmentation(AUGMENTATIONS)) for _ in range(3)) < 6_000
    assert min(_growth(images, _Fresh(AUGMENTATIONS)) for _ in range(3)) > 20_000


@pytest.mark.parametrize("kinds", [["blur"], ["shift", "Rotate"], "shift", [3]])
def test_an_unknown_kind_is_named(kinds: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^Augmentation must be of shift, rotate, elastic, not ('|3)"):
        Augmentation(kinds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in NONE for value in (-0.1, float("nan"), float("inf"))),
        ("scale", 1.0),
        ("smoothness", 0.9),
        ("smoothness", float("nan")),
    ],
)
def test_a_wrong_strength_is_named(name: str, value: float) -> None:
    with pytest.raises(InvalidValue, match=rf"^The {name} of augmentation must be .*, not {value}\.$"):
        Augmentation(AUGMENTATIONS, **{name: value})
