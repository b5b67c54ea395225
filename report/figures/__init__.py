"""The drawings of the study: matplotlib and seaborn are imported here and nowhere else."""
