"""Training of the embedded networks; README.md holds the protocol, the data and the commands."""
