"""The web layer around a fake engine."""
