"""
One file for each headline number, measured side by side with its limit or a peer in one run.

`python3 run.py bench` runs all, `python3 run.py bench sign_in_refresh growth` some. Each prints a table and writes it,
with a picture, to `benchmarks/results/`. Read ratios; absolute figures belong to the machine.
"""
