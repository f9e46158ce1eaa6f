"""Around a generated module: data sets, and what trains, saves and scales it."""
