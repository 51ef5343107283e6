"""Networks on disk: one safe, self-describing file per network, written so that it is whole or not there."""
