"""The tests of the whole workspace."""
