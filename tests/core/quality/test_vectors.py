"""Feature vectors: exact pairs, the same in any order, and what they find that hashes miss."""

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images
from sklearn.metrics.pairwise import cosine_similarity

from core.errors import InputError, JobError, UnknownName
from core.quality import contrastive, feature_vectors, find_duplicates, find_leaks, scan, vectors
from core.quality.clusters import Cosine
from core.quality.vectors import pairs_above


def unit_vectors(n, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 12))
    values[n // 2 :] = values[rng.integers(0, n // 2, n - n // 2)] + 0.3 * rng.normal(
        size=(n - n // 2, 12)
    )
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("most", [7, 100, 10_000])
def test_the_nearest_pairs_are_those_of_scikit_learn(most, monkeypatch):
    monkeypatch.setattr(vectors, "BLOCK", 23)
    values = unit_vectors(150)
    a, b, cosine = pairs_above(values, 0.6, most)
    wanted = cosine_similarity(values)
    i, j = np.nonzero(np.triu(wanted >= 0.6, 1))
    order = np.argsort(-wanted[i, j])[:most]
    assert set(zip(a, b, strict=True)) == set(zip(i[order], j[order], strict=True))
    np.testing.assert_allclose(cosine, wanted[a, b], atol=1e-5)
    assert (np.diff(a) >= 0).all()


def test_distances_are_one_less_the_cosine():
    values = unit_vectors(20)
    between = Cosine(np.arange(20), values).between(np.arange(5, 15))
    np.testing.assert_allclose(between, 1 - cosine_similarity(values[5:15]), atol=1e-6)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(contrastive, "STEPS", 8)


def test_vectors_do_not_depend_on_order_or_blocks(tiles, quick, monkeypatch):
    images = tiles[:60]
    first = feature_vectors(images)
    np.testing.assert_allclose(np.linalg.norm(first.array, axis=1), 1, atol=1e-5)
    assert "learnt from 60 of these images" in first.reason
    order = np.random.default_rng(0).permutation(60)
    monkeypatch.setattr(vectors, "CHUNK", 7)
    np.testing.assert_allclose(feature_vectors(images[order]).array, first.array[order], atol=1e-5)


def test_the_global_generator_is_left_alone(tiles, quick):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    feature_vectors(tiles[:12])
    torch.testing.assert_close(torch.rand(3), wanted)


def test_unreadable_files_have_no_direction(tmp_path, tiles, quick):
    for name, tile in zip("bcd", tiles[:3], strict=True):
        Image.fromarray(tile).save(tmp_path / f"{name}.png")
    (tmp_path / "a.png").write_bytes(b"")
    found = feature_vectors(tmp_path)
    np.testing.assert_allclose(np.linalg.norm(found.array, axis=1), [0, 1, 1, 1], atol=1e-5)


def test_imagenet_weights_are_used_or_asked_for(tiles, monkeypatch):
    def absent(depth):
        raise JobError("ImageNet weights cannot be downloaded (no network); put them at X.")

    monkeypatch.setattr(vectors, "imagenet_weights", absent)
    with pytest.raises(InputError, match=r"put them at X\. Or use the network 'own'"):
        feature_vectors(tiles[:3], network="imagenet")
    weights = torchvision.models.resnet18().state_dict()
    monkeypatch.setattr(vectors, "imagenet_weights", lambda depth: weights)
    found = feature_vectors(tiles[:3, :, :, :1], network="imagenet")
    assert found.array.shape == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(found.array, axis=1), 1, atol=1e-5)
    with pytest.raises(UnknownName, match="known: own, imagenet"):
        feature_vectors(tiles[:3], network="vgg")


def shifted(image, down, across):
    wide = np.pad(image, ((4, 4), (4, 4), (0, 0)), mode="edge")
    return wide[4 + down : 36 + down, 4 + across : 36 + across]


def cropped(image):
    return np.asarray(Image.fromarray(image[2:28, 3:29]).resize((32, 32), Image.Resampling.BICUBIC))


def noisy(image):
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def distinct():
    """Tiles of photographs that do not overlap, those with the most contrast first."""
    photos = [*load_sample_images().images, data.astronaut(), data.coffee(), data.chelsea()]
    tiles = []
    for photo in photos:
        small = np.asarray(Image.fromarray(photo).reduce(4))
        rows, columns = (side // 32 * 32 for side in small.shape[:2])
        blocks = small[:rows, :columns].reshape(rows // 32, 32, columns // 32, 32, 3)
        tiles.append(blocks.transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3))
    tiles = np.concatenate(tiles)
    return tiles[np.argsort(-tiles.std(axis=(1, 2, 3)), kind="stable")][:40]


@pytest.fixture(scope="module")
def copied(distinct):
    """Photographs, and a shifted, a cropped, a noisy and a mirrored copy of the first four."""
    changes = (lambda im: shifted(im, 2, -3), cropped, noisy, lambda im: im[:, ::-1])
    copies = [change(image) for image, change in zip(distinct, changes, strict=False)]
    images = np.concatenate([distinct, np.stack(copies)])
    table = scan(images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrastive, "STEPS", 60)
        return images, table, feature_vectors(images, table)


def pairs(found):
    return set(zip(found.pairs["a"], found.pairs["b"], strict=True))


def test_shifts_crops_and_noise_are_found_and_mirror_images_when_asked(copied, distinct):
    images, table, made = copied
    n = len(distinct)
    copies = {(i, n + i) for i in range(3)}
    found = find_duplicates(images, table, detector="vectors", vectors=made)
    assert pairs(found) == copies
    assert "without labels" in found.reason
    assert (found.pairs["distance"] <= found.radius).all()
    assert found.curve.sum() >= len(found.pairs)
    assert (found.detector, found.step) == ("vectors", 0.01)
    flips = find_duplicates(images, table, flips=True, detector="vectors", vectors=made)
    assert (3, n + 3) in pairs(flips)
    assert flips.pairs.set_index(["a", "b"])["mirrored"][3, n + 3]


def test_both_finds_what_either_finds(copied):
    images, table, made = copied
    alone, vector, both = (
        find_duplicates(images, table, detector=name, vectors=made)
        for name in ("hash", "vectors", "both")
    )
    assert pairs(both) >= pairs(alone) | pairs(vector)
    more = both.pairs[~both.pairs.set_index(["a", "b"]).index.isin(pairs(alone) | pairs(vector))]
    hashes = table["phash"].to_numpy(np.uint64)
    assert (np.bitwise_count(hashes[more["a"]] ^ hashes[more["b"]]) <= 6).all()
    assert (more["similarity"] >= 0.8).all()
    assert "By hashes" in both.reason
    cosine = 1 - both.pairs["distance"].to_numpy()
    wanted = np.einsum("ij,ij->i", *(made.array[both.pairs[name]] for name in ("a", "b")))
    np.testing.assert_allclose(cosine, wanted, atol=1e-6)


def test_a_radius_asked_for_is_kept_to_and_members_are_near_their_medoid(copied):
    images, table, made = copied
    found = find_duplicates(
        images, table, radius=0.2, confirm=False, detector="vectors", vectors=made
    )
    near = np.triu(cosine_similarity(made.array) >= 0.8 - 1e-6, 1)
    assert len(found.pairs) <= near.sum()
    assert (found.members["distance"] <= 0.2 + 1e-6).all()


def test_equal_images_are_pairs_by_vectors_too(tiles, quick):
    images = np.concatenate([np.repeat(tiles[:1], 40, axis=0), tiles[20:24]])
    found = find_duplicates(images, detector="vectors")
    assert found.members["row"].tolist() == list(range(40))
    assert found.pairs["exact"].all()
    assert len(found.pairs) == 32 * 31 // 2 + 8
    assert (found.pairs["a"] < found.pairs["b"]).all()


@pytest.mark.parametrize("n", [1, 2])
def test_a_few_images_are_enough(tiles, n, quick):
    found = find_duplicates(tiles[np.zeros(n, int)], detector="vectors")
    assert len(found.pairs) == n - 1


def test_leaks_by_vectors(distinct, quick):
    from core.datasets.base import Dataset, Split

    test = np.stack([distinct[20], shifted(distinct[3], 1, 2)])
    dataset = Dataset(
        "t",
        "T",
        Split(distinct[:15], np.zeros(15, int)),
        Split(test, np.zeros(2, int)),
        ("a",),
        "f",
        "s",
        "l",
    )
    leaks = find_leaks(dataset, detector="vectors")
    assert leaks[["train", "test"]].to_numpy().tolist() == [[3, 1]]
    assert {"distance", "exact", "similarity"} <= set(leaks)


@pytest.mark.parametrize(
    ("detector", "radius", "words"),
    [("vectors", 1.5, "0 to 1, 1 - cosine"), ("hash", 2.5, "whole number")],
)
def test_radii_out_of_range_are_refused(tiles, detector, radius, words, quick):
    with pytest.raises(InputError, match=words):
        find_duplicates(tiles[:5], radius=radius, detector=detector)


def test_unknown_detectors_are_refused(tiles):
    with pytest.raises(UnknownName, match="known: hash, vectors, both, fastdup"):
        find_duplicates(tiles[:3], detector="sift")


def test_a_radius_with_too_many_pairs_is_refused(tiles, monkeypatch):
    monkeypatch.setattr("core.quality.by_vector.MOST_PER_IMAGE", 1)
    made = vectors.Vectors(np.ones((9, 1), np.float32), "")
    with pytest.raises(InputError, match="lower the radius"):
        find_duplicates(tiles[:9], radius=0.1, detector="vectors", vectors=made)


def test_a_table_of_vectors_follows_the_rows_of_the_scan(tmp_path, tiles):
    (tmp_path / "a.png").write_bytes(b"")
    for name in ("b", "c"):
        Image.fromarray(tiles[0]).save(tmp_path / f"{name}.png")
    made = vectors.Vectors(np.array([[0, 0], [1, 0], [1, 0]], np.float32), "")
    found = find_duplicates(tmp_path, detector="vectors", vectors=made)
    pd.testing.assert_frame_equal(
        found.pairs[["a", "b"]], pd.DataFrame({"a": ["b.png"], "b": ["c.png"]}), check_dtype=False
    )
