#!/bin/sh
#SBATCH --job-name=webshellscan
#SBATCH --array=0-15
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --requeue
#
# Each task of the array collects one shard of the folders below EVIDENCE into
# RESULTS:
#
#     sbatch --export=ALL,EVIDENCE=/data/evidence,RESULTS=/data/results slurm.sh
#
# A task that is requeued writes another file; what both wrote counts once.
exec webshellscan collect "$EVIDENCE" --shard env --workers "${SLURM_CPUS_PER_TASK:-0}" \
	--output "$RESULTS/$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID.${SLURM_RESTART_COUNT:-0}.wsp"
