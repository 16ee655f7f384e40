"""Runs on a Ray cluster: `pstar worker RUN` on its nodes, as many as a run is worth, until nothing is left to do.

    run = pstar.ray.run("brackets.ron", out="/shared/brackets")

    python -m pstar.ray /shared/brackets

A run's directory lies on a file system that all nodes see at one path; arms, claims and results are in its files, and
Ray carries nothing but the lives of workers. So a run may be begun here and ended elsewhere, and other workers, such
as those of `pstar submit RUN --slurm`, may take part. Needs `pip install 'pstar-lab[ray]'`, here and on the nodes.
"""

from pstar.ray._driver import run
from pstar.ray._errors import ClusterError, StuckError
from pstar.ray._progress import Progress

__all__ = ["ClusterError", "Progress", "StuckError", "run"]
