"""Everything that computes: data, selection, training, studies, the store and the job queue."""
