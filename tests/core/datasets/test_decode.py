"""Single images: what every kind of pixel becomes, and hostile bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.datasets import decode

RANDOM = np.random.default_rng(1)
RGB = RANDOM.integers(0, 256, (5, 7, 3), np.uint8)
GREY = RANDOM.integers(0, 256, (5, 7), np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


@pytest.mark.parametrize("kind", ["BMP", "PNG", "PPM", "TIFF"])
def test_lossless_colour_is_exact(kind: str) -> None:
    pixels, changes = decode.pixels(encode(Image.fromarray(RGB), kind))
    np.testing.assert_array_equal(pixels, RGB)
    assert changes == []


@pytest.mark.parametrize("kind", ["GIF", "JPEG", "JPEG2000", "WEBP"])
def test_the_other_formats_open(kind: str) -> None:
    data = encode(Image.fromarray(np.full((8, 8, 3), 100, np.uint8)), kind)
    np.testing.assert_allclose(decode.pixels(data)[0], 100, atol=3)


def test_grey_becomes_three_equal_channels() -> None:
    pixels, _ = decode.pixels(encode(Image.fromarray(GREY)))
    np.testing.assert_array_equal(pixels, np.repeat(GREY[..., None], 3, axis=2))


def test_one_bit_is_black_and_white() -> None:
    pixels, _ = decode.pixels(encode(Image.fromarray(GREY > 127)))
    np.testing.assert_array_equal(pixels[..., 0], np.where(GREY > 127, 255, 0))


def test_a_palette_gives_its_colours() -> None:
    image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3), "L").convert("P")
    image.putpalette(RGB.reshape(-1)[:18].tolist())
    np.testing.assert_array_equal(decode.pixels(encode(image))[0].reshape(-1), RGB.reshape(-1)[:18])


def test_transparency_is_laid_on_white() -> None:
    alpha = RANDOM.integers(0, 256, (5, 7, 1), np.uint8)
    pixels, changes = decode.pixels(encode(Image.fromarray(np.concatenate([RGB, alpha], axis=2))))
    share = alpha / 255
    np.testing.assert_allclose(pixels, RGB * share + 255 * (1 - share), atol=1)
    assert changes == ["with transparency: laid on white"]


def test_a_transparent_palette_entry_is_white() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    pixels, _ = decode.pixels(encode(image, transparency=0))
    assert pixels.tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_the_high_byte(kind: str) -> None:
    values = RANDOM.integers(0, 1 << 16, (5, 7), np.uint16)
    pixels, changes = decode.pixels(encode(Image.fromarray(values), kind))
    np.testing.assert_array_equal(pixels[..., 0], values >> 8)
    assert changes == ["with 16 bits a pixel: the high byte was used"]


def test_sixteen_bit_colour_keeps_the_high_byte_too() -> None:
    values = RANDOM.integers(0, 1 << 16, (2, 3, 3), np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">2I5B", 3, 2, 16, 2, 0, 0, 0))
    data += png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode.pixels(data)[0], values >> 8)


@pytest.mark.parametrize(
    ("pixels", "words"), [(np.float32(GREY), "floating-point"), (np.int32(GREY) << 16, "32-bit")]
)
def test_pixels_without_a_white_point_are_unreadable(pixels: np.ndarray, words: str) -> None:
    with pytest.raises(decode.Unreadable, match=words):
        decode.pixels(encode(Image.fromarray(pixels), "TIFF"))


def test_cmyk_is_converted() -> None:
    image = Image.fromarray(RGB).convert("CMYK")
    pixels, changes = decode.pixels(encode(image, "TIFF"))
    np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB")))
    assert changes == ["converted from CMYK to RGB"]


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation_is_applied(kind: str, orientation: int, turn) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(RGB), kind, exif=exif)
    shown = turn(RGB)
    np.testing.assert_array_equal(decode.pixels(data)[0], shown)
    assert decode.size(data) == (shown.shape[1], shown.shape[0])


def test_the_first_frame_of_an_animation_is_used() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    pixels, changes = decode.pixels(data)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert changes == ["with several frames: the first was used"]


def test_resizing_is_bilinear_with_antialiasing() -> None:
    pixels, changes = decode.pixels(encode(Image.fromarray(RGB)), (3, 2))
    expected = Image.fromarray(RGB).resize((3, 2), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(pixels, np.asarray(expected))
    assert changes == ["resized to 3 × 2, bilinear with antialiasing"]


def test_a_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">2I5B", 12_000, 12_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")
    with pytest.raises((Image.DecompressionBombError, Image.DecompressionBombWarning)):
        decode.size(data)


def test_a_bomb_below_pillows_own_error_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    with (
        pytest.warns(Image.DecompressionBombWarning),
        pytest.raises(Image.DecompressionBombError, match="7 × 5 pixels; at most 30"),
    ):
        decode.size(encode(Image.fromarray(RGB)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print\n",
        b"\x80\x04\x95",
        encode(Image.fromarray(RGB))[:60],
        encode(Image.fromarray(RGB), "TIFF")[:60],
        encode(Image.fromarray(np.repeat(RGB, 20, axis=0)), "JPEG")[:-300],
    ],
)
def test_what_is_no_whole_image_gives_a_short_reason(data: bytes) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Pillow raises anything.
        decode.pixels(data)
    reason = decode.reason(caught.value)
    assert 0 < len(reason) <= decode.LONGEST_REASON
    assert "\n" not in reason
    assert "0x" not in reason  # No address: the same file gives the same reason.


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_any_damage_ends_in_pixels_or_a_reason(kind: str, hits: list[tuple[float, int]]) -> None:
    data = bytearray(encode(Image.fromarray(RGB), kind))
    for where, value in hits:
        data[int(where * (len(data) - 1))] = value
    try:
        pixels, _ = decode.pixels(bytes(data), (7, 5))
    except Exception as error:
        outcome = decode.reason(error)
    else:
        outcome = f"{pixels.dtype} {pixels.shape}" * (pixels.shape == (5, 7, 3))
    assert outcome
