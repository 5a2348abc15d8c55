"""Run by the Python of `.fastdup`, which has fastdup and knows nothing of this project.

python -I fastdup_script.py IMAGES WORK LEAST_COSINE NEIGHBOURS
"""

import sys

import fastdup  # type: ignore[import-not-found, unused-ignore]

images, work, least, neighbours = sys.argv[1:]
status = fastdup.run(
    input_dir=images,
    work_dir=work,
    threshold=float(least),
    nearest_neighbors_k=int(neighbours),
    nnf_mode="Flat",
    turi_param="nnmodel=0,run_cc=0,run_pagerank=0,run_stats=0,run_sentry=0",
)
sys.exit(status)
