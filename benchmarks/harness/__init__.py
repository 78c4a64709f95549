"""What the benchmarks share: server processes with their CPU time, a load client, tables and pictures."""
