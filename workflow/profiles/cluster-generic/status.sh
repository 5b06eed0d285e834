#!/bin/sh
# What became of job $1: prints running, success or failed, one of which the cluster-generic executor expects.
#
# Another scheduler needs another question and other answers (not tried by us):
#   PBS Professional   qstat -x -f "$1"   job_state = F is the end, and Exit_status = 0 a success
#   Grid Engine        qstat -j "$1"      fails once the job has ended; then qacct -j "$1" tells its exit_status

state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>&1)

case $state in
COMPLETED) echo success ;;
BOOT_FAIL | CANCELLED | DEADLINE | FAILED | NODE_FAIL | OUT_OF_MEMORY | TIMEOUT) echo failed ;;
# Forgotten by SLURM before anyone asked: done again, to be safe
*"Invalid job id"*) echo failed ;;
# Pending, running, about to be requeued; or SLURM gave no answer, and is asked again
*) echo running ;;
esac
