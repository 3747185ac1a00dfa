"""What scripts/bench is made of: the programs it runs, what their figures must show, the report and its plots."""
