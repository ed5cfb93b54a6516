"""A fixture for the tests of corpora."""

import pytest
from sound_folders import Tree


@pytest.fixture
def tree(tmp_path):
    """A `Tree`, which writes sound and text files, in the folder of the test."""
    return Tree(tmp_path)
