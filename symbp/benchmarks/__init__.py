"""Measurements behind ``symbp bench``: workloads, peers, the machine's limits, and reports.

`selection` turns options into a plan, `runner` starts one `worker` process for each workload,
peer and thread setting, `pair` times symbp and the peer in turn, `floor` says what the machine
could do at best, `report` gathers the rows, and `tables`, `files` and `plot` write them.
"""
