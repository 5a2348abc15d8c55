"""Near-duplicates: exact search, clusters, confirmation by pixels, leaks, and what is never one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.cluster.hierarchy import fcluster

import core.quality.similarity as comparing
from core.datasets.base import Dataset, Split
from core.errors import InputError, UnknownName
from core.quality import find_duplicates, find_leaks, flag_duplicates, scan
from core.quality.clusters import LINKAGES, Hamming, cluster, dendrogram, distances
from core.quality.pairs import pairs_within


def naive_pairs(hashes, others, radius):
    distance = np.bitwise_count(hashes[:, None] ^ others[None])
    return np.nonzero(distance <= radius)


def clustered_hashes(n, seed):
    """Random hashes, some of them a few flipped bits away from others."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    for i in range(n // 2, n):
        flips = np.uint64(1) << rng.integers(0, 64, rng.integers(0, 14), dtype=np.uint64)
        hashes[i] = hashes[rng.integers(0, i)] ^ np.bitwise_xor.reduce(flips, initial=np.uint64(0))
    return hashes


@pytest.mark.parametrize("radius", [0, 1, 3, 4, 6, 7, 10, 11, 15])
def test_all_pairs_within_a_radius_are_found_once_each(radius):
    hashes = clustered_hashes(400, seed=radius)
    a, b, distance = pairs_within(hashes, radius)
    i, j = naive_pairs(hashes, hashes, radius)
    np.testing.assert_array_equal([a, b], [i[i < j], j[i < j]])
    np.testing.assert_array_equal(distance, np.bitwise_count(hashes[a] ^ hashes[b]))
    across = pairs_within(hashes[:150], radius, hashes[150:])
    np.testing.assert_array_equal(across[:2], naive_pairs(hashes[:150], hashes[150:], radius))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(0, 15))
def test_pairs_of_any_hashes(numbers, radius):
    hashes = np.array(numbers, dtype=np.uint64)
    a, b, _ = pairs_within(hashes, radius)
    i, j = naive_pairs(hashes, hashes, radius)
    assert set(zip(a, b, strict=True)) == {(p, q) for p, q in zip(i, j, strict=True) if p < q}


@pytest.mark.parametrize("radius", [-1, 16])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(InputError, match="0 to 15 bits"):
        pairs_within(np.zeros(2, np.uint64), radius)


def chain(length, step):
    """Hashes each `step` bits from the next, farther from the others."""
    bits = np.arange(length * step)
    return np.array(
        [sum(1 << int(bit) for bit in bits[: i * step]) for i in range(length)], dtype=np.uint64
    )


def test_chains_are_broken_around_medoids():
    hashes = chain(7, step=4)
    a, b, _ = pairs_within(hashes, 4)
    assert (a + 1 == b).all()
    labels = cluster(Hamming(hashes), a, b, radius=4, method="single")
    for label in np.unique(labels[labels >= 0]):
        inside = distances(hashes[labels == label])
        assert inside.max(axis=1).min() <= 4
    assert len(np.unique(labels)) > 1


@pytest.mark.parametrize("method", LINKAGES)
def test_linkages_cut_a_component_as_scipy_does(method):
    rng = np.random.default_rng(1)
    centre = rng.integers(0, 2**64, dtype=np.uint64)
    flips = np.uint64(1) << rng.integers(0, 20, (12, 3), dtype=np.uint64)
    hashes = np.unique(centre ^ np.bitwise_xor.reduce(flips, axis=1))
    a, b, _ = pairs_within(hashes, 6)
    labels = cluster(Hamming(hashes), a, b, radius=6, method=method)
    expected = fcluster(dendrogram(hashes, method), 6, criterion="distance")
    for label in np.unique(labels[labels >= 0]):
        assert len(np.unique(expected[labels == label])) == 1


def test_unknown_linkages_are_refused():
    with pytest.raises(UnknownName, match="single, complete, average"):
        cluster(Hamming(np.zeros(2, np.uint64)), np.array([0]), np.array([1]), 4, "ward")


def brighter(images, factor, shift=0):
    return np.clip(images.astype(float) * factor + shift, 0, 255).round().astype(np.uint8)


@pytest.fixture
def distinct(tiles):
    """Tiles with room to grow brighter, none of them a near-duplicate of another."""
    tiles = tiles[(tiles.max(axis=(1, 2, 3)) < 215) & (tiles.mean(axis=(1, 2, 3)) > 40)]
    hashes = scan(tiles)["phash"].to_numpy(np.uint64)
    chosen = []
    for i, value in enumerate(hashes):
        if all(np.bitwise_count(value ^ hashes[j]) > 12 for j in chosen):
            chosen.append(i)
    return tiles[chosen]


def test_changed_brightness_and_contrast_are_found_and_nothing_else(distinct):
    n = len(distinct)
    copies = np.concatenate([brighter(distinct[:20], 1.2), brighter(distinct[20:40], 0.6, 20)])
    found = find_duplicates(np.concatenate([distinct, copies]))
    assert set(zip(found.pairs["a"], found.pairs["b"], strict=True)) == {
        (i, n + i) for i in range(40)
    }
    assert (found.pairs["similarity"] > 0.96).all()
    assert "compared pixel by pixel" in found.reason
    assert not find_duplicates(distinct).pairs.size


def test_the_curve_s_first_minimum_is_the_cut_without_confirmation(distinct):
    images = np.concatenate([distinct, brighter(distinct[:30], 1.2)])
    found = find_duplicates(images, confirm=False)
    assert "its minimum" in found.reason
    assert found.radius % 2 == 0
    got = set(zip(found.pairs["a"], found.pairs["b"], strict=True))
    assert len(got & {(i, len(distinct) + i) for i in range(30)}) >= 29


def test_mirror_images_count_only_when_asked(distinct):
    images = np.concatenate([distinct, distinct[:10, :, ::-1]])
    assert find_duplicates(images).pairs.empty
    found = find_duplicates(images, flips=True)
    assert found.pairs[["a", "b"]].to_numpy().tolist() == [
        [i, len(distinct) + i] for i in range(10)
    ]
    assert found.pairs["mirrored"].all()


def test_the_largest_then_sharpest_of_a_cluster_is_kept(tmp_path, distinct):
    picture = Image.fromarray(distinct[0])
    picture.save(tmp_path / "a-small.png")
    picture.resize((96, 96), Image.Resampling.BICUBIC).save(tmp_path / "b-large.png")
    Image.fromarray(brighter(distinct[0], 0.8)).save(tmp_path / "c-darker.png")
    Image.fromarray(distinct[1]).save(tmp_path / "d-other.png")
    found = find_duplicates(tmp_path)
    assert found.members["image"].tolist() == ["a-small.png", "b-large.png", "c-darker.png"]
    assert found.members.loc[found.members["keep"], "image"].tolist() == ["b-large.png"]
    assert {"a", "b", "distance", "cluster"} <= set(found.pairs)


def test_unreadable_files_are_never_duplicates(tmp_path, distinct):
    for name in ("bad.png", "worse.png"):
        (tmp_path / name).write_bytes(b"")
    for name in ("one.png", "two.png"):
        Image.fromarray(distinct[0]).save(tmp_path / name)
    table = scan(tmp_path)
    found = find_duplicates(tmp_path, table)
    assert found.pairs[["a", "b", "exact"]].to_numpy().tolist() == [["one.png", "two.png", True]]
    flagged = flag_duplicates(table, found)
    assert flagged["is_exact_duplicates_issue"].tolist() == [False, True, True, False]
    assert not flagged["is_near_duplicates_issue"].any()


@pytest.mark.parametrize("detector", ["hash", "vectors", "both"])
def test_nothing_readable_is_no_duplicates(tmp_path, detector):
    (tmp_path / "bad.png").write_bytes(b"")
    found = find_duplicates(tmp_path, detector=detector)
    assert found.pairs.empty
    assert found.members.empty


def test_each_file_is_read_once_to_be_compared(tmp_path, distinct, monkeypatch):
    opened = []
    for i in range(6):
        Image.fromarray(distinct[i]).save(tmp_path / f"{i}.png")
        Image.fromarray(brighter(distinct[i], 1.2)).save(tmp_path / f"{i}-copy.png")
    table = scan(tmp_path)
    monkeypatch.setattr(comparing, "BLOCK", 2)
    monkeypatch.setattr(
        comparing, "read", lambda path, read=comparing.read: opened.append(path) or read(path)
    )
    assert len(find_duplicates(tmp_path, table).pairs) == 6
    assert len(opened) == len(set(opened)) <= 12


def test_flags_follow_cleanvision_s_scores(distinct):
    images = np.concatenate([distinct[:9], distinct[:2], brighter(distinct[2:3], 1.3)])
    table = scan(images)
    flagged = flag_duplicates(table, find_duplicates(images, table))
    assert flagged["exact_duplicates_score"].tolist() == [0.5] * 2 + [1.0] * 7 + [0.5] * 2 + [1.0]
    assert np.flatnonzero(flagged["is_near_duplicates_issue"]).tolist() == [2, 11]
    assert flagged["near_duplicates_score"][2] == 0.5


def test_flat_images_of_other_colours_are_no_duplicates():
    levels = np.array([0, 40, 40, 120, 250], np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (5, 32, 32, 3)).copy()
    pairs = find_duplicates(images).pairs
    assert pairs[["a", "b"]].to_numpy().tolist() == [[1, 2]]


def test_many_equal_images_make_few_pairs_and_one_cluster(distinct):
    images = np.concatenate([np.repeat(distinct[:1], 500, axis=0), distinct[1:4]])
    found = find_duplicates(images)
    assert len(found.pairs) < 1000
    assert found.members["row"].tolist() == list(range(500))
    assert found.members["keep"].sum() == 1


def test_no_duplicates_is_an_empty_table(distinct):
    found = find_duplicates(distinct[:3])
    assert found.pairs.empty
    assert found.members.empty
    assert list(found.pairs.columns[:3]) == ["a", "b", "distance"]


def test_leaks_are_test_images_in_the_training_split(distinct):
    test = np.concatenate([distinct[30:34], brighter(distinct[5:7], 1.25), distinct[9:10]])
    dataset = Dataset(
        "t",
        "T",
        Split(distinct[:30], np.zeros(30, int)),
        Split(test, np.zeros(7, int)),
        ("a",),
        "f",
        "s",
        "l",
    )
    leaks = find_leaks(dataset)
    assert leaks[["train", "test"]].to_numpy().tolist() == [[5, 4], [6, 5], [9, 6]]
    assert leaks["exact"].tolist() == [False, False, True]


def test_a_table_of_another_source_is_refused(distinct):
    with pytest.raises(InputError, match="the source has"):
        find_duplicates(distinct, scan(distinct[:5]))


def test_equal_hashes_need_equal_pixels(distinct):
    table = scan(distinct[:4])
    table["phash"] = pd.array([7] * 4, dtype="UInt64")
    assert find_duplicates(distinct[:4], table).pairs.empty
    assert len(find_duplicates(distinct[:4], table, confirm=False).pairs) == 6
