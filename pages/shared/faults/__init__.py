"""The page on faults: composing a study, the preview, the results."""
