"""The outages of test_outages.py, and what they are tried with: gateways with simulators, load, and Prometheus."""
