"""The parts of the page on influence."""
