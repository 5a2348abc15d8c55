"""One page per question: widgets, one call into `core`, one chart."""
