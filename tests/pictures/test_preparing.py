"""Pictures become what MNIST would have made of them: recognised as well, whatever the paper, the light, the file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from hippo.datasets import MNISTLoader
from hippo.network import NeuralNetwork
from hippo.pictures import prepare, takes_long
from hippo.pictures.headers import read_header
from hippo.pictures.preparing import MOST_BYTES_AT_ONCE
from tests.pictures.drawn import chunk, encoded, png, redrawn, seven

DATA = Path(__file__).resolve().parents[2] / "data"


def image(data: bytes) -> np.ndarray:
    return prepare(data).pixels.reshape(28, 28)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean difference of two images, of 255."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


NEAR = (-1, 0, 1)
PLAIN, LARGER = image(encoded(seven())), image(encoded(seven(800, 600, pen=48)))


def test_redrawn_digits_are_recognised_as_well_as_the_originals() -> None:
    training_data, _, test_data = MNISTLoader(DATA).load_data(verify=False)
    network = NeuralNetwork([784, 100, 10], activation="relu", seed=1)
    network.train(training_data, 2, 10, 0.1)
    rng = np.random.default_rng(4)
    chosen = rng.choice(len(test_data), 200, replace=False)
    originals, labels = test_data.pixels[chosen], test_data.labels[chosen]
    prepared = np.stack([prepare(encoded(redrawn(pixels, rng))).pixels for pixels in originals])
    assert difference(prepared, originals) < 12

    def right(pixels: np.ndarray) -> float:
        return float((network.predict(pixels.astype(np.float32) / 255).argmax(axis=1) == labels).mean())

    assert right(originals) > 0.9
    assert right(prepared) >= right(originals) - 0.03


def test_a_digit_of_mnist_stays_almost_what_it_is() -> None:
    digits = MNISTLoader(DATA).load_data(verify=False).test_data.pixels[:100]
    made = [prepare(encoded(Image.fromarray(np.asarray(pixels).reshape(28, 28)))) for pixels in digits]
    assert not any(one.inverted for one in made)
    assert difference(np.stack([one.pixels for one in made]), digits) < 3


def test_the_digit_is_fitted_into_20_pixels_and_centred_by_mass() -> None:
    for picture in (seven(), seven(900, 200), seven(100, 500), seven(28, 28, pen=3)):
        made = image(encoded(picture)).astype(float)
        rows, columns = np.flatnonzero(made.any(axis=1)), np.flatnonzero(made.any(axis=0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
        assert abs((made.sum(axis=1) @ np.arange(28)) / made.sum() - 14) <= 0.51
        assert abs((made.sum(axis=0) @ np.arange(28)) / made.sum() - 14) <= 0.51
        assert made.max() == 255


def test_the_ratio_is_kept() -> None:
    made = image(encoded(seven()))
    height, width = (len(np.flatnonzero(made.any(axis=axis))) for axis in (1, 0))
    assert (height, width) == (20, 13)


@pytest.mark.parametrize(("paper", "ink", "inverted"), [(250, 30, True), (0, 255, False), (120, 60, True)])
def test_ink_is_told_from_paper(paper: int, ink: int, inverted: bool) -> None:
    made = prepare(encoded(seven(paper=paper, ink=ink)))
    assert made.inverted is inverted
    assert (made.width, made.height) == (200, 150)
    assert difference(made.pixels.reshape(28, 28), PLAIN) < 1


COLOURS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {"mode": "RGB", "paper": (250, 245, 230), "ink": (20, 30, 120)}),
    ("PNG", {"mode": "1", "paper": 1, "ink": 0}),
    ("PNG", {"mode": "LA", "paper": (255, 255), "ink": (0, 255)}),
    ("PNG", {"mode": "RGBA", "paper": (0, 0, 0, 0), "ink": (0, 0, 0, 255)}),
    ("PNG", {"mode": "RGBA", "paper": (0, 0, 0, 0), "ink": (255, 255, 255, 255)}),
    ("PNG", {"mode": "RGBA", "paper": (255, 255, 255, 0), "ink": (255, 255, 255, 255)}),
    ("JPEG", {"mode": "L"}),
    ("JPEG", {"mode": "RGB", "paper": (250, 245, 230), "ink": (20, 30, 120)}),
    ("JPEG", {"mode": "CMYK", "paper": (0, 0, 0, 0), "ink": (200, 200, 0, 200)}),
]


@pytest.mark.parametrize(("form", "options"), COLOURS)
def test_every_kind_of_colour_is_taken(form: str, options: dict[str, Any]) -> None:
    assert difference(image(encoded(seven(**options), form)), PLAIN) < 8


def test_16_bits_a_pixel_are_taken() -> None:
    levels = np.asarray(seven(), np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    assert difference(image(png(200, 150, rows, depth=16)), PLAIN) < 1


def test_a_palette_is_taken_also_a_transparent_one() -> None:
    picture = seven().quantize(4)
    paper = picture.getpixel((0, 0))
    assert difference(image(encoded(picture)), PLAIN) < 1
    assert difference(image(encoded(picture, transparency=paper)), PLAIN) < 1


def test_a_sheet_with_a_transparent_frame_is_paper() -> None:
    framed = Image.new("RGBA", (240, 190), (0, 0, 0, 0))
    framed.paste(seven().convert("RGBA"), (20, 20))
    assert difference(image(encoded(framed)), PLAIN) < 1


def test_of_an_animation_the_first_picture_is_taken() -> None:
    moving = encoded(seven(), save_all=True, append_images=[Image.new("L", (200, 150), 0)])
    assert b"acTL" in moving
    assert difference(image(moving), PLAIN) < 1
    assert difference(image(encoded(seven(), "MPO", save_all=True, append_images=[seven(ink=90)])), PLAIN) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_the_orientation_is_respected(form: str, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = seven().transpose(turns[orientation]) if orientation in turns else seven()
    assert difference(image(encoded(picture, form, exif=exif)), PLAIN) < 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_nonsensical_orientation_is_passed_over() -> None:
    for exif in (b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0"):
        assert difference(image(encoded(seven(), "JPEG", exif=exif)), PLAIN) < 8


def test_shade_and_noise_are_not_ink() -> None:
    y, x = np.mgrid[0:600, 0:800] / 800
    ink = np.asarray(seven(800, 600, paper=0, ink=255, pen=48)) / 255
    noise = np.random.default_rng(1).normal(0, 6, ink.shape)
    photo = (230 - 110 * x - 50 * y) * (1 - ink) + 25 * ink + noise
    picture = Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8))
    made = image(encoded(picture, "JPEG", quality=85))
    # The mass may be rounded to the pixel beside.
    assert min(difference(np.roll(made, (down, right), (0, 1)), LARGER) for down in NEAR for right in NEAR) < 8


def test_dust_is_not_ink_but_parts_of_a_digit_are() -> None:
    dusty = seven(800, 600, pen=48)
    for place in ((20, 30), (780, 590), (400, 580)):
        ImageDraw.Draw(dusty).rectangle((*place, place[0] + 6, place[1] + 6), fill=30)
    assert difference(image(encoded(dusty)), LARGER) < 1
    apart = seven(800, 600, pen=48)
    ImageDraw.Draw(apart).rectangle((560, 400, 620, 460), fill=30)
    assert difference(image(encoded(apart)), LARGER) > 5


def test_printed_lines_much_fainter_than_the_ink_are_not_ink() -> None:
    for across in (False, True):
        paper = seven(800, 600, paper=240, pen=48)
        for place in range(15, 800, 40):
            line = [(place, 0), (place, 600)] if across else [(0, place), (800, place)]
            ImageDraw.Draw(paper).line(line, fill=200, width=2)
        ImageDraw.Draw(paper).line([(240, 120), (480, 120), (320, 480)], fill=30, width=48)
        assert difference(image(encoded(paper)), LARGER) < 2
        assert difference(image(encoded(paper, "JPEG")), LARGER) < 2


def test_a_soft_rim_belongs_to_the_stroke() -> None:
    soft = seven(800, 600, pen=48).filter(ImageFilter.GaussianBlur(4))
    assert difference(image(encoded(soft)), LARGER) < 3


@pytest.mark.parametrize(("paper", "ink", "frame"), [(250, 30, 0), (250, 30, 30), (0, 255, 255), (250, 30, 120)])
@pytest.mark.parametrize("inset", [0, 10])
@pytest.mark.parametrize("width", [2, 20])
def test_a_frame_around_the_sheet_is_not_ink(paper: int, ink: int, frame: int, inset: int, width: int) -> None:
    framed = seven(800, 600, paper=paper, ink=ink, pen=48)
    box = (inset, inset, 799 - inset, 599 - inset)
    ImageDraw.Draw(framed).rectangle(box, outline=frame, width=width)
    made = prepare(encoded(framed))
    assert made.inverted == (paper > ink)
    assert (made.width, made.height) == (800, 600)
    assert difference(made.pixels.reshape(28, 28), LARGER) < 1


def test_the_dark_edge_of_a_scan_is_not_ink_but_a_digit_there_is() -> None:
    for box in ((0, 0, 20, 600), (780, 0, 800, 600), (0, 590, 800, 600)):
        scanned = seven(800, 600, pen=48)
        ImageDraw.Draw(scanned).rectangle(box, fill=20)
        assert difference(image(encoded(scanned)), LARGER) < 1
    alone = Image.new("L", (800, 600), 250)
    ImageDraw.Draw(alone).rectangle((10, 10, 50, 590), fill=30)
    one = image(encoded(alone))
    ImageDraw.Draw(alone).rectangle((500, 300, 520, 320), fill=30)  # dust
    assert difference(image(encoded(alone)), one) < 1


def test_stray_pixels_are_not_ink() -> None:
    for width, height, pen in ((56, 42, 4), (200, 150, 12), (1600, 1200, 96)):
        clean = seven(width, height, pen=pen)
        stray = clean.copy()
        for place in ((1, 1), (width // 4, height - 2), (width - 2, height // 2)):
            stray.putpixel(place, 0)
        assert difference(image(encoded(stray)), image(encoded(clean))) < 1


def test_a_seven_that_was_cut_out_closely_keeps_its_bar() -> None:
    for pen in (2, 4, 10):
        close = Image.new("L", (80, 120), 250)
        ImageDraw.Draw(close).rectangle((0, 0, 80, pen), fill=30)
        ImageDraw.Draw(close).line([(76, 4), (30, 119)], fill=30, width=pen)
        made = image(encoded(close))
        rows = np.flatnonzero(made.any(axis=1))
        assert (made[rows[0] + 1] > 100).sum() >= 10


def test_a_thin_line_is_drawn_with_a_broader_pen() -> None:
    thin = image(encoded(seven(800, 600, pen=4)))
    assert difference(thin, LARGER) < 15
    assert (thin > 127).sum() > 30


def test_large_pictures_are_reduced_and_give_the_same() -> None:
    for form in ("PNG", "JPEG"):
        large = encoded(seven(4000, 3000, pen=240), form)
        assert takes_long(large)
        assert difference(image(large), LARGER) < 6
    assert not takes_long(encoded(seven()))


def test_the_same_bytes_give_the_same_image() -> None:
    picture = encoded(seven(), "JPEG")
    for one, other in pairwise(prepare(picture).pixels.tobytes() for _ in range(3)):
        assert one == other


def test_a_digit_that_reaches_the_border_is_whole() -> None:
    tight = Image.new("L", (40, 100), 255)
    ImageDraw.Draw(tight).line([(0, 5), (36, 5), (12, 99)], fill=0, width=10)
    made = image(encoded(tight))
    assert prepare(encoded(tight)).inverted
    assert made[4:8].max() > 200
    assert made[20:24].max() > 200


def test_a_file_of_many_bytes_takes_long_although_its_picture_is_small() -> None:
    small = encoded(seven())
    assert not takes_long(small + bytes(MOST_BYTES_AT_ONCE - len(small)))
    assert takes_long(small + bytes(MOST_BYTES_AT_ONCE - len(small) + 1))


@pytest.mark.parametrize("factor", [1, 257])
def test_sixteen_bits_a_pixel_may_hold_eight(factor: int) -> None:
    levels = np.asarray(seven(), np.uint16) * np.uint16(factor)
    assert np.array_equal(image(encoded(Image.fromarray(levels))), PLAIN)


def test_of_what_is_said_about_a_picture_only_the_short_is_read() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(seven()))
    short, long = chunk(b"eXIf", bytes(65_536)), chunk(b"eXIf", bytes(65_537))
    plain = read_header(png(200, 150, rows)).data
    assert read_header(png(200, 150, rows, long)).data == plain
    assert len(read_header(png(200, 150, rows, short)).data) == len(plain) + len(short)
