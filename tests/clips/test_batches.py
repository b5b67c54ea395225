import pytest

from runner.clips.batches import batches


def test_batches_go_round_the_clips_in_order():
    assert batches("abcde", 2, 3) == [("a", "b"), ("c", "d"), ("e", "a")]
    assert batches("abcde", 1, 4) == [("a",), ("b",), ("c",), ("d",)]
    assert batches("ab", 5, 1) == [("a", "b", "a", "b", "a")]


@pytest.mark.parametrize(("clips", "size", "count"), [("", 1, 1), ("a", 0, 1), ("a", 1, 0)])
def test_nothing_to_batch_is_a_bug_of_the_caller(clips, size, count):
    with pytest.raises(ValueError, match="at least one clip"):
        batches(clips, size, count)
