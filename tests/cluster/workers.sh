#!/bin/sh
#SBATCH --job-name=pstar --array=1-8 --cpus-per-task=1 --mem=200
#SBATCH --requeue --open-mode=append --output=%x-%A_%a.log
# sbatch --chdir=LOGS workers.sh HOST RUN, absolute paths both: Slurm runs a copy of this script.
exec "$1" worker "$2" --threads "${SLURM_CPUS_PER_TASK:-1}"
