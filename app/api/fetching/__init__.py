"""Pictures by reference: fetched from hosts that the operator lists, and from nowhere else."""
